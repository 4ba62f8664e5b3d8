package dashboard

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"fibercrons/app/cron"
)

// sparkRuns is the number of runs of a job that a list shows and computes statistics from.
const sparkRuns = 24

// SparkRuns is the number of newest runs to load for each job of a [JobList] or an [Overview].
const SparkRuns = sparkRuns

// Sample holds statistics of a job's newest runs.
type Sample struct {
	Rate     *float64
	P50, P95 *int64
	Started  int
}

func sampleOf(runs []cron.Record) (s Sample) {
	var took []int64
	good := 0
	for _, r := range runs {
		if r.StartedAt == nil || !slices.Contains([]cron.Status{cron.Succeeded, cron.Failed, cron.Interrupted}, r.Status) {
			continue
		}
		s.Started++
		if r.Status == cron.Succeeded {
			good++
		}
		if r.Duration != nil {
			took = append(took, *r.Duration)
		}
	}
	if s.Started > 0 {
		rate := float64(good) / float64(s.Started)
		s.Rate = &rate
	}
	if n := len(took); n > 0 {
		slices.Sort(took)
		s.P50, s.P95 = &took[(n-1)/2], &took[(n-1)*95/100]
	}
	return s
}

// sparkline draws a bar for each of the newest runs, oldest first. Height is the duration, colour the outcome; runs
// that did not succeed are also marked below, for readers who cannot rely on colour.
func sparkline(runs []cron.Record) template.HTML {
	const bar, gap, high = 4, 1, 20
	if len(runs) == 0 {
		return `<span class="none">no runs yet</span>`
	}
	runs = runs[:min(len(runs), sparkRuns)]
	longest := int64(1)
	for _, r := range runs {
		longest = max(longest, durationOf(r))
	}
	var b strings.Builder
	width := sparkRuns * (bar + gap)
	fmt.Fprintf(&b, `<svg class="spark" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-label="%s">`,
		width, high+4, width, high+4, template.HTMLEscapeString(sparkWords(runs)))
	x := width - len(runs)*(bar+gap)
	for _, r := range slices.Backward(runs) {
		h := 3 + int((high-3)*durationOf(r)/longest)
		if r.Status == cron.Skipped {
			h = 3
		}
		class := template.HTMLEscapeString(string(r.Status))
		b.WriteString(`<rect class="f-` + class + `" x="` + strconv.Itoa(x) + `" y="` + strconv.Itoa(high-h) + `" width="` + strconv.Itoa(bar) + `" height="` + strconv.Itoa(h) + `" rx="1"/>`)
		if r.Status == cron.Failed || r.Status == cron.Interrupted {
			b.WriteString(`<rect class="f-` + class + `" x="` + strconv.Itoa(x) + `" y="` + strconv.Itoa(high+2) + `" width="` + strconv.Itoa(bar) + `" height="2"/>`)
		}
		x += bar + gap
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers, and what was escaped
}

func durationOf(r cron.Record) int64 {
	if r.Duration == nil {
		return 0
	}
	return *r.Duration
}

// sparkWords is the text alternative.
func sparkWords(runs []cron.Record) string {
	counts := map[cron.Status]int{}
	for _, r := range runs {
		counts[r.Status]++
	}
	return "last " + plural(len(runs), "run") + ": " + countWords(counts)
}

// statuses in display order.
var statuses = []cron.Status{cron.Failed, cron.Interrupted, cron.Running, cron.Queued, cron.Succeeded, cron.Cancelled, cron.Skipped}

func countWords(counts map[cron.Status]int) string {
	var parts []string
	for _, s := range statuses {
		if counts[s] > 0 {
			parts = append(parts, number(counts[s])+" "+string(s))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}
