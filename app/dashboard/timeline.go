package dashboard

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// TimelineRuns is the maximum number of runs in a timeline. Load one more, to know whether there are more.
const TimelineRuns = 10_000

// laneLimit is the number of jobs drawn individually. The load chart includes all.
const laneLimit = 40

// Windows are the ranges of a timeline, before and after now.
var Windows = []Window{{"1h", time.Hour}, {"6h", 6 * time.Hour}, {"24h", 24 * time.Hour}, {"7d", 7 * 24 * time.Hour}}

// Window is the range of a timeline on either side of now.
type Window struct {
	Name string
	Each time.Duration
}

// TimelinePage shows past runs and coming slots.
type TimelinePage struct {
	ops.Timeline
	Window  Window
	Search  string
	Picture template.HTML
	Lanes   int
	Hidden  int // jobs that are not drawn
	Busiest int // runs that begin in the busiest minute
	Cut     bool
}

// NewTimeline makes the page for the jobs that keep accepts. The runs in t are sorted newest first.
func NewTimeline(base Base, t ops.Timeline, w Window, search string, keep func(job string) bool) TimelinePage {
	from, to := known(t)
	slices.Reverse(t.Runs)
	t.Runs = slices.DeleteFunc(slices.Clone(t.Runs), func(r contract.TimelineRun) bool { return !keep(r.Job) })
	t.Slots = slices.DeleteFunc(slices.Clone(t.Slots), func(s ops.Slot) bool { return !keep(s.Job) })
	t.Dense = slices.DeleteFunc(slices.Clone(t.Dense), func(d ops.Dense) bool { return !keep(d.Job) })
	p := TimelinePage{Timeline: t, Window: w, Search: search}
	lanes := lanesOf(t)
	p.Hidden = max(0, len(lanes)-laneLimit)
	lanes = lanes[:len(lanes)-p.Hidden]
	p.Lanes = len(lanes)
	load := loadOf(t)
	load.known.from, load.known.to = from, to
	p.Busiest, p.Cut = load.most, from.After(t.From) || to.Before(t.To)
	if len(lanes) > 0 {
		p.Picture = drawTimeline(base, t, lanes, load)
	}
	return p
}

// lanesOf groups runs and slots by job: failed jobs first, then the most active ones.
func lanesOf(t ops.Timeline) []*lane {
	byName := map[string]*lane{}
	of := func(job string) *lane {
		if byName[job] == nil {
			byName[job] = &lane{job: job}
		}
		return byName[job]
	}
	for _, r := range t.Runs {
		l := of(r.Job)
		l.runs = append(l.runs, r)
		l.failures += btoi(r.Status == cron.Failed || r.Status == cron.Interrupted)
	}
	for _, s := range t.Slots {
		l := of(s.Job)
		l.slots = append(l.slots, s.At)
	}
	for _, d := range t.Dense {
		of(d.Job).dense = d.Slots
	}
	lanes := make([]*lane, 0, len(byName))
	for _, l := range byName {
		lanes = append(lanes, l)
	}
	slices.SortFunc(lanes, func(a, b *lane) int {
		return cmp.Or(cmp.Compare(btoi(b.failures > 0), btoi(a.failures > 0)),
			cmp.Compare(len(b.runs)+len(b.slots), len(a.runs)+len(a.slots)), strings.Compare(a.job, b.job))
	})
	return lanes
}

// Address is the page with another window, below the root.
func (p TimelinePage) Address(window string) string {
	v := url.Values{"window": {window}}
	if p.Search != "" {
		v.Set("q", p.Search)
	}
	return "/timeline?" + v.Encode()
}

// Herded are the busiest minutes, and the rest of them.
func (p TimelinePage) Herded() [][]ops.Herd {
	first := min(3, len(p.Herds))
	return [][]ops.Herd{p.Herds[:first], p.Herds[first:]}
}

// WindowList returns [Windows].
func (p TimelinePage) WindowList() []Window { return Windows }

func loadOf(t ops.Timeline) load {
	l := load{minutes: map[int64]int{}}
	add := func(at time.Time) {
		m := at.Unix() / 60
		l.minutes[m]++
		l.most = max(l.most, l.minutes[m])
	}
	for _, r := range t.Runs {
		if r.StartedAt != nil {
			add(*r.StartedAt)
		}
	}
	for _, s := range t.Slots {
		add(s.At)
	}
	// Only the first slots of a frequent job are listed. Extrapolate their interval.
	last := map[string][]time.Time{}
	for _, s := range t.Slots {
		last[s.Job] = append(last[s.Job], s.At)
	}
	for _, d := range t.Dense {
		slots := last[d.Job]
		if len(slots) < 2 {
			continue
		}
		every := slots[len(slots)-1].Sub(slots[0]) / time.Duration(len(slots)-1)
		if every <= 0 {
			continue
		}
		perMinute := max(1, int(time.Minute/every))
		for at := slots[len(slots)-1].Add(every); at.Before(t.To); at = at.Add(max(every, time.Minute)) {
			l.minutes[at.Unix()/60] += perMinute
			l.most = max(l.most, l.minutes[at.Unix()/60])
		}
	}
	return l
}

// known is the range for which t has every run and slot.
func known(t ops.Timeline) (from, to time.Time) {
	from, to = t.From, t.To
	if len(t.Runs) > TimelineRuns {
		from = startOf(t.Runs[len(t.Runs)-1])
	}
	// The scheduler does not report which list it truncated, but it lists slots in thousands.
	if n := len(t.Slots); t.Truncated && n > 0 && n%1000 == 0 {
		to = t.Slots[n-1].At
	}
	return from, to
}
