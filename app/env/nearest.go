package env

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"fibercrons/app/internal/texts"
)

// serviceLink matches variables that Kubernetes (and formerly Docker links) set for a Service whose name begins with
// cron. CRON_PORT is recognized by its value.
var serviceLink = regexp.MustCompile(`^CRON_(.+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(value, "://")
}

// unknown warns of every CRON_ variable that the program does not read, most likely a typo.
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

// nearest returns the first of the candidates with the fewest edits from name.
func nearest(name string, candidates []string) string {
	return slices.MinFunc(candidates, func(a, b string) int { return texts.Distance(name, a) - texts.Distance(name, b) })
}
