//go:build unix

package store_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/row"
)

// lateFrom is how long after its slot a start is late.
const lateFrom = 100 * time.Millisecond

// tracing marks the steps by which a run that is late, or has to wait, comes to its start.
type tracing struct {
	contract.Store
	marker *marker
}

// The kinds of its marks. Those of a start that was blocked are followed by the ID of the run that stood in
// the way.
const (
	markAsked   = "asked-claim"
	markClaimed = "claimed"
	markStart   = "asked-start"
	markStarted = "started"
	markBehind  = "behind:"         // one that goes on
	markTurn    = "behind-earlier:" // one that goes first
	markStalled = "stalled:"        // and for how many ms a timer of the process was late
)

// Claim marks with one write, since that may take its time on a busy machine.
func (s *tracing) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	asked := time.Now()
	claims = slices.Clone(claims)
	out, err := s.Store.Claim(ctx, claims)
	answered := time.Now()
	var lines bytes.Buffer
	for i, got := range out {
		c := &claims[i]
		if !c.Slot.IsZero() && got.Won && !got.Status.Ended() && (got.Status == cron.Queued || answered.Sub(c.Slot) >= lateFrom) {
			slot := mark{Job: c.Job, Schedule: c.Schedule, Slot: c.Slot.UnixMilli(), Run: c.ID}
			slot.Kind = markAsked
			s.marker.line(&lines, asked, slot)
			slot.Kind = markClaimed
			s.marker.line(&lines, answered, slot)
		}
	}
	s.marker.put(&lines)
	return out, err
}

func (s *tracing) Start(ctx context.Context, st contract.Start) (contract.StartOutcome, error) {
	asked := time.Now()
	out, err := s.Store.Start(ctx, st)
	kind := markStarted
	switch {
	case err != nil || out.Cancelled:
		return out, err
	case out.Blocked && out.First.IsZero():
		kind = markBehind + out.By
	case out.Blocked:
		kind = markTurn + out.By
	}
	var lines bytes.Buffer
	s.marker.line(&lines, asked, mark{Kind: markStart, Job: st.Job, Run: st.ID})
	s.marker.line(&lines, time.Now(), mark{Kind: kind, Job: st.Job, Run: st.ID})
	s.marker.put(&lines)
	return out, err
}

// stalls marks when a timer of this process is late, for want of a processor, until ctx ends.
func (m *marker) stalls(ctx context.Context) {
	const tick = 50 * time.Millisecond
	for last := time.Now(); ctx.Err() == nil; {
		time.Sleep(tick)
		now := time.Now()
		if late := now.Sub(last) - tick; late >= lateFrom {
			m.write(mark{Kind: fmt.Sprint(markStalled, late.Milliseconds())})
		}
		last = now
	}
}

// The causes for which a start is late.
const (
	onTime     = "on time"
	claimLate  = "its process asked late for the claim"
	claimSlow  = "the store answered late to the claim"
	noWorker   = "no free worker"
	sameHere   = "another run of the job, in its process"
	otherThere = "another run of the job or group, in another process"
	otherDead  = "another run of the job or group, of a process that was killed"
	turn       = "the turn of an earlier slot, queued in another process"
	startSlow  = "the store answered late to the start"
	beganLate  = "its process began it late"
	ownerDead  = "its process was killed"
)

// lateStart is the first start of a slot, and how long each cause has held it up.
type lateStart struct {
	slotOf
	late    time.Duration
	life    int // in which it started
	stalled time.Duration
	policy  string
	cause   string // that took longest
	took    map[string]time.Duration
}

func (l lateStart) String() string {
	text := fmt.Sprintf("%8s  %s %-12s %-8s process %d:", l.late.Round(time.Millisecond), time.UnixMilli(l.at).UTC().Format("15:04:05.000"), l.job, l.policy, l.life)
	for _, cause := range slices.SortedFunc(maps.Keys(l.took), func(a, b string) int { return cmp.Compare(l.took[b], l.took[a]) }) {
		if d := l.took[cause]; d >= time.Millisecond {
			text += fmt.Sprintf(" %s %s;", cause, d.Round(time.Millisecond))
		}
	}
	if l.stalled > 0 {
		text += fmt.Sprintf(" its timers were up to %s late", l.stalled)
	}
	return text
}

// lateStarts works out when and why each slot started, the latest first. skew is by life.
func (w *world) lateStarts(skew map[int]time.Duration) (all []lateStart) {
	rows := make(map[string]*row.JobRun, len(w.rows))
	for i := range w.rows {
		rows[w.rows[i].ID] = &w.rows[i]
	}
	steps, stalls := map[string][]mark{}, map[int][]mark{}
	first, began := map[slotOf]mark{}, map[string]int{}
	for _, m := range w.marks {
		m.At -= skew[m.Life].Microseconds()
		switch {
		case strings.HasPrefix(m.Kind, markStalled):
			stalls[m.Life] = append(stalls[m.Life], m)
		case m.Kind == "start" && m.Slot == 0: // a run by hand is for no slot
		case m.Kind == "start":
			s := m.slot()
			if was, known := first[s]; !known || m.At < was.At {
				first[s] = m
			}
			began[m.Run] = m.Life
		case m.Run != "-" && m.Kind != "end":
			steps[m.Run] = append(steps[m.Run], m)
		}
	}
	for s, m := range first {
		l := lateStart{slotOf: s, late: time.UnixMicro(m.At).Sub(time.UnixMilli(s.at)), life: m.Life, cause: onTime}
		if l.late >= lateFrom {
			way := steps[m.Run]
			if row := rows[m.Run]; len(way) == 0 && row != nil { // its claim was answered in time
				asked := int64(row.QueuedAt)*1000 - skew[m.Life].Microseconds()
				way = []mark{{Kind: markAsked, Life: m.Life, At: asked}, {Kind: markClaimed, Life: m.Life, At: max(asked, s.at*1000)}}
			}
			w.explain(&l, m, way, began)
			for _, gap := range stalls[m.Life] {
				var ms int64
				if _, err := fmt.Sscanf(gap.Kind, markStalled+"%d", &ms); err == nil && gap.At > s.at*1000 && gap.At-ms*1000 < m.At {
					l.stalled = max(l.stalled, time.Duration(ms)*time.Millisecond)
				}
			}
		}
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b lateStart) int { return cmp.Compare(b.late, a.late) })
	return all
}

// explain divides the time from the slot to its first start m among causes, by the marks of its steps. began
// says in which life each run began.
func (w *world) explain(l *lateStart, m mark, steps []mark, began map[string]int) {
	p := w.jobs[l.job].Policies
	l.policy, l.took = string(p.Overlap), map[string]time.Duration{}
	if p.Group != "" {
		l.policy += " in " + p.Group
	}
	slices.SortStableFunc(steps, func(a, b mark) int { return cmp.Compare(a.At, b.At) })
	at := l.at * 1000
	var last mark
	for _, now := range append(steps, m) {
		if now.At > m.At {
			break
		}
		cause := beganLate
		refused := now
		if !strings.HasPrefix(now.Kind, "behind") {
			refused = last
		}
		kind, by, blocked := strings.Cut(refused.Kind, ":")
		other, known := began[by]
		switch {
		case last.Life != 0 && now.Life != last.Life && w.hurt[last.Life], now == m && m.Attempt > 1:
			cause = ownerDead
		case now.Kind == markAsked:
			cause = claimLate
		case now.Kind == markClaimed:
			cause = claimSlow
		case now.Kind == markStarted:
			cause = startSlow
		case blocked && known && other != now.Life && w.hurt[other]:
			cause = otherDead
		case blocked && kind+":" == markTurn:
			cause = turn
		case blocked && other != now.Life:
			cause = otherThere
		case blocked, now.Kind == markStart && p.Overlap == cron.Queue:
			cause = sameHere
		case now.Kind == markStart:
			cause = noWorker
		}
		if now.At > at {
			l.took[cause] += time.Duration(now.At-at) * time.Microsecond
			at = now.At
		}
		last = now
	}
	for cause, d := range l.took {
		if d > l.took[l.cause] || d == l.took[l.cause] && cause < l.cause {
			l.cause = cause
		}
	}
}

// tellLate logs the latest starts, and how late starts were by cause.
func tellLate(t *testing.T, what string, all []lateStart) {
	t.Helper()
	text := what + ": the latest starts:"
	for _, l := range all[:min(8, len(all))] {
		text += "\n  " + l.String()
	}
	text += "\nby what held them up longest:"
	by := map[string]waits{}
	for _, l := range all {
		by[l.cause] = append(by[l.cause], l.late)
	}
	for _, cause := range slices.SortedFunc(maps.Keys(by), func(a, b string) int { return cmp.Compare(by[b].at(100), by[a].at(100)) }) {
		text += fmt.Sprintf("\n  %s: %s", cause, by[cause])
	}
	t.Log(text)
}
