package env

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// serviceLink is a variable that Kubernetes sets in every pod for a Service whose name begins with cron, as Docker's
// links did. CRON_PORT is one by its value.
var serviceLink = regexp.MustCompile(`^CRON_(.+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// unknown warns of every CRON_ variable of values that nothing reads. The prefix is the program's own, so such a
// name is most likely a slip of the finger.
func unknown(values map[string]string, variables []Variable) []string {
	known := make(map[string]bool)
	var candidates []string
	for _, v := range variables {
		known[v.Name] = true
		candidates = append(candidates, v.Name)
	}
	var warnings []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if strings.HasPrefix(name, "CRON_") && !known[name] && !isServiceLink(name, values[name]) {
			warnings = append(warnings, fmt.Sprintf("%s is not a variable of this program and is ignored; the nearest one is %s", name, nearest(name, candidates)))
		}
	}
	return warnings
}

// nearest is the first of candidates with the fewest edits from name.
func nearest(name string, candidates []string) string {
	best, fewest := "", -1
	for _, c := range candidates {
		if d := distance(name, c); fewest < 0 || d < fewest {
			best, fewest = c, d
		}
	}
	return best
}

// distance is Levenshtein's: insertions, deletions and replacements that make b out of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
