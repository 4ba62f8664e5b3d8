package dashboard

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"fibercrons/app/cron"
)

// ChartRuns is the number of runs in the chart of durations.
const ChartRuns = 100

// durationChart draws the durations of the newest runs, oldest first, each linked to its run, and the median as a line.
// The scale is of square roots, so that runs of a second stay visible beside one of an hour.
func durationChart(base Base, runs []cron.Record) template.HTML {
	const wide, high, left, foot = 1000, 150, 56, 6
	var shown []cron.Record
	for _, r := range runs {
		if r.StartedAt != nil && r.Duration != nil {
			shown = append(shown, r)
		}
	}
	if len(shown) == 0 {
		return ""
	}
	slices.Reverse(shown)
	longest := int64(1)
	for _, r := range shown {
		longest = max(longest, *r.Duration)
	}
	height := func(ms int64) float64 {
		return math.Sqrt(float64(ms)/float64(longest)) * (high - 20)
	}
	s := sampleOf(runs)
	var b strings.Builder
	words := fmt.Sprintf("Durations of the last %s, the longest %s", plural(len(shown), "run"), millis(longest))
	if s.P50 != nil {
		words += fmt.Sprintf(", half of them within %s, 95%% within %s", millis(*s.P50), millis(*s.P95))
	}
	fmt.Fprintf(&b, `<svg class="chart durations" viewBox="0 0 %d %d" role="group" aria-label="%s">`, wide, high+foot, words)
	for _, ms := range []int64{longest, longest / 4} {
		y := float64(high) - height(ms)
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="label" x="%d" y="%.1f" text-anchor="end">%s</text>`,
			left, wide, y, y, left-8, y+4, millis(ms))
	}
	fmt.Fprintf(&b, `<line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, left, wide, high, high)
	step := float64(wide-left) / float64(max(len(shown), 30))
	for i, r := range shown {
		h := max(2, height(*r.Duration))
		x := float64(left) + float64(i)*step
		status := template.HTMLEscapeString(string(r.Status))
		title := status + ", " + millis(*r.Duration) + ", " + r.StartedAt.UTC().Format("2 Jan 15:04:05") + " UTC"
		fmt.Fprintf(&b, `<a href="%s" aria-label="%s"><title>%s</title><rect class="hit" x="%.1f" y="0" width="%.1f" height="%d"/><rect class="f-%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="1"/>`,
			template.HTMLEscapeString(base.run(r.ID)), title, title, x, step, high, status, x+step*0.12, float64(high)-h, step*0.76, h)
		if r.Status == cron.Failed || r.Status == cron.Interrupted {
			fmt.Fprintf(&b, `<rect class="f-%s" x="%.1f" y="%d" width="%.1f" height="3"/>`, status, x+step*0.12, high+2, step*0.76)
		}
		b.WriteString(`</a>`)
	}
	if s.P50 != nil {
		y := float64(high) - height(*s.P50)
		fmt.Fprintf(&b, `<line class="median" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`, left, wide, y, y)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers, and what was escaped
}
