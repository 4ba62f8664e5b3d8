package dashboard

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// Sizes in the chart.
const (
	tlWide  = 1200
	tlLeft  = 170
	tlLoad  = 72 // height of the load line
	tlAxis  = 22
	tlLane  = 22
	tlCell  = 3 // runs within this distance share a mark
	tlInner = tlWide - tlLeft
)

type canvas struct {
	strings.Builder
	base Base
	t    ops.Timeline
}

func (c *canvas) x(at time.Time) float64 {
	x := float64(at.Sub(c.t.From)) / float64(c.t.To.Sub(c.t.From)) * tlInner
	return tlLeft + min(max(x, 0), tlInner)
}

func (c *canvas) put(format string, a ...any) { fmt.Fprintf(&c.Builder, format, a...) }

// lane is the row of a job in the chart.
type lane struct {
	job      string
	runs     []contract.TimelineRun
	slots    []time.Time
	failures int
	dense    int
}

// load counts the runs that begin in each minute.
type load struct {
	minutes map[int64]int
	most    int
	known   struct{ from, to time.Time } // outside of it the lists are incomplete
}

func drawTimeline(base Base, t ops.Timeline, lanes []*lane, l load) template.HTML {
	c := &canvas{base: base, t: t}
	high := tlLoad + tlAxis + len(lanes)*tlLane + 4
	c.put(`<svg class="chart timeline" viewBox="0 0 %d %d" role="group" aria-label="%s ran and %s are due from %s to %s UTC; at most %s begin in one minute">`,
		tlWide, high, plural(len(t.Runs), "run"), plural(len(t.Slots), "slot"),
		t.From.UTC().Format("2 Jan 15:04"), t.To.UTC().Format("2 Jan 15:04"), number(l.most))
	c.WriteString(`<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="paper" width="7" height="7"/><rect class="ink" width="1" height="7"/></pattern></defs>`)
	c.put(`<rect class="future" x="%.1f" y="0" width="%.1f" height="%d"/>`, c.x(t.Now), tlWide-c.x(t.Now), high)
	c.ticks(high)
	c.load(l)
	for i, one := range lanes {
		c.lane(tlLoad+tlAxis+i*tlLane, one)
	}
	c.unknown(l, high)
	x := c.x(t.Now)
	c.put(`<line class="now" x1="%.1f" x2="%.1f" y1="0" y2="%d"/>`, x, x, high)
	c.WriteString(`</svg>`)
	return template.HTML(c.String()) //nolint:gosec // numbers, and what was escaped
}

// ticks draws the hour or day labels.
func (c *canvas) ticks(high int) {
	all := c.t.To.Sub(c.t.From)
	step, layout := 24*time.Hour, "Mon 2 Jan"
	switch {
	case all <= 3*time.Hour:
		step, layout = 15*time.Minute, "15:04"
	case all <= 13*time.Hour:
		step, layout = time.Hour, "15:04"
	case all <= 50*time.Hour:
		step, layout = 4*time.Hour, "15:04"
	}
	for at := c.t.From.Truncate(step).Add(step); at.Before(c.t.To); at = at.Add(step) {
		x := c.x(at)
		c.put(`<line class="grid" x1="%.1f" x2="%.1f" y1="0" y2="%d"/>`, x, x, high)
		if x < tlWide-20 {
			c.put(`<text class="label" x="%.1f" y="%d" text-anchor="middle" data-at="%s" data-as="%s">%s</text>`, x, tlLoad+15,
				at.UTC().Format(time.RFC3339), map[bool]string{true: "day", false: "hour"}[step == 24*time.Hour], at.UTC().Format(layout))
		}
	}
}

// load draws the runs per minute: each column shows its busiest minute.
func (c *canvas) load(l load) {
	most := max(l.most, 1)
	columns := make([]int, tlInner/2+1)
	for m, n := range l.minutes {
		i := int(c.x(time.Unix(m*60, 0))-tlLeft) / 2
		columns[i] = max(columns[i], n)
	}
	c.put(`<text class="label" x="%d" y="14" text-anchor="end">%s a minute</text><text class="label" x="%d" y="%d" text-anchor="end">load</text>`, tlLeft-10, number(l.most), tlLeft-10, tlLoad-4)
	var path strings.Builder
	fmt.Fprintf(&path, "M%d %d", tlLeft, tlLoad)
	for i, n := range columns {
		y := float64(tlLoad) - float64(n)/float64(most)*(tlLoad-10)
		fmt.Fprintf(&path, "L%d %.1fh2", tlLeft+2*i, y)
	}
	c.put(`<path class="load" d="%sL%d %dZ"/><line class="axis" x1="%d" x2="%d" y1="%d" y2="%d"/>`, path.String(), tlWide, tlLoad, tlLeft, tlWide, tlLoad, tlLoad)
	for _, h := range c.t.Herds {
		x := c.x(h.At)
		c.put(`<path class="herd" d="M%.1f 0l5 9h-10Z"><title>%s due at %s UTC</title></path>`, x, plural(h.Jobs, "job"), h.At.UTC().Format("2 Jan 15:04"))
	}
}

func (c *canvas) lane(y int, l *lane) {
	name := template.HTMLEscapeString(l.job)
	shown := l.job
	if len(shown) > 24 {
		shown = shown[:23] + "…"
	}
	c.put(`<g><a href="%s"><title>%s</title><text class="name" x="%d" y="%d" text-anchor="end">%s</text></a><line class="grid" x1="%d" x2="%d" y1="%d" y2="%d"/>`,
		template.HTMLEscapeString(c.base.job(l.job)), name, tlLeft-10, y+15, template.HTMLEscapeString(shown), tlLeft, tlWide, y+11, y+11)
	c.runs(y, l.runs)
	var path strings.Builder
	last := -1
	for _, at := range l.slots {
		if x := int(c.x(at)); x > last+1 {
			fmt.Fprintf(&path, "M%d %dv8", x, y+7)
			last = x
		}
	}
	if path.Len() > 0 {
		c.put(`<path class="slot" d="%s"><title>%s: %s due</title></path>`, path.String(), name, plural(len(l.slots), "time"))
	}
	if l.dense > 0 && len(l.slots) > 0 {
		x := c.x(l.slots[len(l.slots)-1])
		c.put(`<rect class="dense" x="%.1f" y="%d" width="%.1f" height="4"><title>%s continues at this pace; not every slot is drawn</title></rect>`, x, y+9, tlWide-x, name)
	}
	c.WriteString(`</g>`)
}

// runs draws a job's runs. Runs at the same position share one mark, of the worst status.
func (c *canvas) runs(y int, runs []contract.TimelineRun) {
	worse := map[cron.Status]int{cron.Failed: 7, cron.Interrupted: 6, cron.Running: 5, cron.Queued: 4, cron.Cancelled: 3, cron.Succeeded: 2, cron.Skipped: 1}
	var mark contract.TimelineRun
	var from, to float64
	n := 0
	flush := func() {
		if n == 0 {
			return
		}
		status := template.HTMLEscapeString(string(mark.Status))
		title := status
		if n > 1 {
			title = plural(n, "run") + ", the worst: " + status
		}
		title += ", " + startOf(mark).UTC().Format("2 Jan 15:04:05") + " UTC"
		high, top := 12, y+5
		if mark.Status == cron.Skipped {
			high, top = 4, y+9
		}
		c.put(`<a href="%s" aria-label="%s"><title>%s</title><rect class="f-%s" x="%.1f" y="%d" width="%.1f" height="%d" rx="1.5"/></a>`,
			template.HTMLEscapeString(c.base.run(mark.ID)), title, title, status, from, top, max(tlCell, to-from), high)
		n = 0
	}
	for _, r := range runs {
		begin, end := startOf(r), c.t.Now
		switch {
		case r.EndedAt != nil:
			end = *r.EndedAt
		case r.StartedAt == nil:
			end = begin
		}
		x, right := c.x(begin), c.x(end)
		if n > 0 && x < from+tlCell && right < from+2*tlCell {
			to = max(to, right)
			if worse[r.Status] > worse[mark.Status] {
				mark = r
			}
			n++
			continue
		}
		flush()
		mark, from, to, n = r, x, right, 1
	}
	flush()
}

// startOf is the position of a run in time.
func startOf(r contract.TimelineRun) time.Time {
	switch {
	case r.StartedAt != nil:
		return *r.StartedAt
	case r.Slot != nil:
		return *r.Slot
	case r.EndedAt != nil:
		return *r.EndedAt
	}
	return time.Time{}
}

// unknown shades the time beyond the listed runs and slots.
func (c *canvas) unknown(l load, high int) {
	cover := func(from, to time.Time) {
		x, w := c.x(from), c.x(to)-c.x(from)
		if w < 1 {
			return
		}
		c.put(`<rect fill="url(#hatch)" x="%.1f" y="0" width="%.1f" height="%d"><title>Too much to list: choose a shorter range, or search.</title></rect>`, x, w, high)
		if w > 120 {
			c.put(`<text class="label" x="%.1f" y="%d" text-anchor="middle">too much to list</text>`, x+w/2, tlLoad-30)
		}
	}
	cover(c.t.From, l.known.from)
	cover(l.known.to, c.t.To)
}
