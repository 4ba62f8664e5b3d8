package dashboard

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"fibercrons/app/cron"
)

// The last day is drawn in half-hour steps.
const (
	TallyStep = 30 * time.Minute
	TallySize = 48
)

// Tally counts the runs of the last day by status, in [TallySize] steps of [TallyStep].
type Tally struct {
	Since  time.Time
	Counts map[cron.Status][]int
}

// TallyBegin is the start of the day that ends with the step of now.
func TallyBegin(now time.Time) time.Time {
	return now.Truncate(TallyStep).Add(TallyStep - TallySize*TallyStep)
}

// Total is the number of runs with a status.
func (t Tally) Total(s cron.Status) (n int) {
	for _, c := range t.Counts[s] {
		n += c
	}
	return n
}

// All is the number of runs.
func (t Tally) All() (n int) {
	for s := range t.Counts {
		n += t.Total(s)
	}
	return n
}

// Parts lists the statuses that occur, with their counts.
func (t Tally) Parts() (list []Part) {
	for _, s := range statuses {
		if n := t.Total(s); n > 0 {
			list = append(list, Part{s, n})
		}
	}
	return list
}

// Part is a status and its count.
type Part struct {
	Status cron.Status
	Count  int
}

// Chart draws a column for each step, with failures at the bottom, where they are most visible.
func (t Tally) Chart() template.HTML {
	const wide, high, col = 960, 96, 20
	most := 1
	sums := make([]int, TallySize)
	for _, counts := range t.Counts {
		for i, c := range counts {
			sums[i] += c
			most = max(most, sums[i])
		}
	}
	words := map[cron.Status]int{}
	for _, p := range t.Parts() {
		words[p.Status] = p.Count
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="chart bars" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="Runs of the last 24 hours: %s">`,
		wide, high, template.HTMLEscapeString(countWords(words)))
	for i := range TallySize {
		at := t.Since.Add(time.Duration(i) * TallyStep)
		fmt.Fprintf(&b, `<g><title>%s UTC: `, at.UTC().Format("15:04"))
		here := map[cron.Status]int{}
		var bars strings.Builder
		y := float64(high)
		for _, s := range statuses {
			if i >= len(t.Counts[s]) || t.Counts[s][i] == 0 {
				continue
			}
			here[s] = t.Counts[s][i]
			h := max(2.5, float64(high-4)*float64(here[s])/float64(most))
			y -= h
			fmt.Fprintf(&bars, `<rect class="f-%s" x="%d" y="%.1f" width="%d" height="%.1f"/>`, s, i*col+1, max(0, y), col-2, h)
		}
		if len(here) == 0 {
			fmt.Fprintf(&bars, `<rect class="f-empty" x="%d" y="%d" width="%d" height="2"/>`, i*col+1, high-2, col-2)
		}
		fmt.Fprintf(&b, `%s</title><rect class="hit" x="%d" y="0" width="%d" height="%d"/>%s</g>`, countWords(here), i*col, col, high, bars.String())
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers, and words of app/cron
}

// Ticks are the hour labels under the chart.
func (t Tally) Ticks() (list []time.Time) {
	for i := range 4 {
		list = append(list, t.Since.Add(time.Duration(i)*6*time.Hour))
	}
	return list
}
