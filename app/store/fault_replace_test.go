//go:build unix

package store_test

import (
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
)

// A version of the program is replaced by one that edits a job, no longer has one, and brings a
// new one: SIGTERM to all of the old processes, then the new ones, with work waiting in line.
func TestFaultReplaced(t *testing.T) {
	onlyIfAsked(t)
	c := newCrew(t, life{Jobs: "before", Lease: 30 * time.Second}) // no lease is to expire
	old := []*process{c.start(), c.start(), c.start()}
	c.awaitWork(old...)
	s := c.look()
	c.await("work to wait in line", func() bool {
		return len(c.find(s, "job = 'line' AND status = 'queued'")) > 3 && len(c.find(s, "job = 'removed' AND status = 'queued'")) > 1
	})
	watched := c.watch(s)
	c.retire(old...)
	waiting := c.find(s, "status = 'queued'")
	if len(waiting) == 0 {
		t.Error("nothing was waiting: nothing is handed over")
	}
	if running := c.find(s, "status = 'running'"); len(running) != 0 {
		t.Errorf("runs of processes that have ended: %v", running)
	}
	before := c.states(s)

	time.Sleep(500 * time.Millisecond) // slots that nobody is there for
	born := time.Now()
	c.life.Jobs = "after"
	young := []*process{c.start(), c.start(), c.start()}
	c.awaitWork(young...)
	c.rest(young...)

	// What both versions have is complete over both, and so is what is new.
	w := c.world(s)
	for _, j := range jobSet("before", nil) {
		w.jobs[j.Name] = j
	}
	w.timed = nil
	for _, j := range jobSet("after", nil) {
		if j.Name != "edited" {
			w.timed = append(w.timed, j)
		}
	}
	w.hurt = map[int]bool{}
	report(t, append(w.violations(), append(watched(), c.disasters()...)...))

	// The edited job has its old slots up to the end of the old processes, its new ones from
	// the start of the new ones, and none for the time between.
	had := map[int64]bool{}
	first := time.Time{}
	for _, r := range w.rows {
		if r.Job == "edited" {
			slot := time.UnixMilli(r.Slot.Int64)
			had[r.Slot.Int64] = true
			if slot.After(before["edited"].Watermark) && (first.IsZero() || slot.Before(first)) {
				first = slot
			}
		}
	}
	if first.Before(born) {
		t.Errorf("the edited job was filled back to %s, before the new version began at %s", first, born)
	}
	want := 0
	for _, part := range []struct {
		jobs     string
		from, to time.Time
	}{
		{"before", before["edited"].FirstSeen, before["edited"].Watermark},
		{"after", first.Add(-time.Millisecond), w.states["edited"].Watermark},
	} {
		for _, j := range jobSet(part.jobs, nil) {
			if j.Name != "edited" {
				continue
			}
			for slot := range j.Schedules[0].Between(part.from, part.to) {
				if want++; !had[slot.UnixMilli()] {
					t.Errorf("the edited job has no row for %s", slot)
				}
			}
		}
	}
	if want != len(had) {
		t.Errorf("the edited job has %d rows, of %d slots", len(had), want)
	}

	// The removed job keeps its state, marked, and what waited for it is told.
	gone := w.states["removed"]
	if gone.RemovedAt.IsZero() || gone.Runs != before["removed"].Runs || gone.Runs == 0 || gone.Watermark != before["removed"].Watermark {
		t.Errorf("the state of the removed job: %+v, was %+v", gone, before["removed"])
	}
	handed, told := 0, 0
	for _, r := range w.rows {
		if _, waited := waiting[r.ID]; !waited {
			continue
		}
		switch status, reason := cron.Status(r.Status), cron.Reason(r.Reason); {
		case r.Job == "removed" && status == cron.Cancelled && reason == cron.ReasonRemoved:
			told++
		case r.Job != "removed" && status == cron.Succeeded && r.Attempt == 1:
			handed++
		default:
			t.Errorf("run %s of %s waited when its process was replaced, and is %s %s after %d attempts", r.ID, r.Job, status, reason, r.Attempt)
		}
	}
	t.Logf("%d runs handed over, %d of the removed job cancelled; %s", handed, told, w.figures())
}

func (c *crew) states(s *store.Store) map[string]contract.State {
	c.t.Helper()
	return asked(c.t, func() (map[string]contract.State, error) { return s.States(c.t.Context()) })
}
