package runner

import (
	"slices"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// waiting makes runs in order of arrival, each of its job's lane, and of a group if one is named.
func waiting(group string, jobs ...string) (runs []*Run) {
	lanes := map[string]*Lane{}
	for i, job := range jobs {
		l := lanes[job]
		if l == nil {
			l = &Lane{Job: &cron.Job{Name: job, Policies: cron.Policies{Group: group}}, Serial: true}
			lanes[job] = l
		}
		r := &Run{seq: int64(i + 1)}
		r.init(&host{}, l, &contract.Claim{Fence: contract.Fence{ID: job}, Overlap: cron.Queue}, &contract.Claimed{Status: cron.Queued})
		runs = append(runs, r)
	}
	return runs
}

func TestLineKeepsTheOrderOfArrival(t *testing.T) {
	var l line
	const many = 5000
	runs := waiting("", slices.Repeat([]string{"a"}, many)...)
	for i, r := range runs { // alternate push and pop, so that the head moves
		l.push(r)
		if i%2 == 1 {
			if got, want := l.pop(), runs[i/2]; got != want {
				t.Fatalf("pop %d: run %d, want %d", i/2, got.seq, want.seq)
			}
		}
	}
	for i := many / 2; i < many; i++ {
		if got := l.pop(); got != runs[i] {
			t.Fatalf("pop %d: run %d", i, got.seq)
		}
	}
	if l.pop() != nil || l.len() != 0 {
		t.Error("the line is not empty")
	}
}

func TestBlockedRunsOfAJobWakeOneByOne(t *testing.T) {
	var l line
	runs := waiting("", "a", "a", "b", "a")
	for _, i := range []int{3, 0, 2, 1} { // in any order
		l.block(runs[i])
	}
	if !l.behind(runs[1]) || l.behind(runs[0]) || l.behind(runs[2]) {
		t.Error("a run waits for earlier ones of its job, and for no others")
	}
	var woken []int64
	for range 3 {
		l.unblock(runs[0])
		for r := l.pop(); r != nil; r = l.pop() {
			woken = append(woken, r.seq)
		}
	}
	if want := []int64{1, 2, 4}; !slices.Equal(woken, want) {
		t.Errorf("woken %v, want %v: those of the job, in their order, and not job b's", woken, want)
	}
	if l.behind(runs[3]) {
		t.Error("nobody of job a waits any more")
	}
}

func TestBlockedRunsOfAGroupWakeTogether(t *testing.T) {
	var l line
	runs := waiting("g", "a", "b", "a")
	for _, r := range runs {
		l.block(r)
	}
	l.unblock(runs[1])
	if l.len() != 3 {
		t.Errorf("%d of 3 were woken", l.len())
	}
	for _, r := range runs {
		l.block(l.pop())
		if r == runs[0] && !l.behind(runs[2]) {
			t.Error("in a group, too, a run waits for earlier ones of its job")
		}
	}
}

func TestRemoveTakesARunOutOfWhereverItWaits(t *testing.T) {
	var l line
	runs := waiting("", "a", "b", "a", "b")
	l.push(runs[0])
	l.push(runs[1])
	l.block(runs[2])
	l.block(runs[3])
	l.remove(runs[0])
	l.remove(runs[3])
	l.wakeSome()
	if got := []*Run{l.pop(), l.pop(), l.pop()}; got[0] != runs[1] || got[1] != runs[2] || got[2] != nil {
		t.Errorf("left are %v", got)
	}
}

// A start that another process's run refuses is retried with growing delays of at most a second.
func TestRefusedStartsAreAskedForAgain(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	var w remoteWait
	var waits []int64
	for range 8 {
		waits = append(waits, w.next(now, "x", false, now).Milliseconds())
	}
	if want := []int64{20, 40, 80, 160, 320, 640, 1000, 1000}; !slices.Equal(waits, want) {
		t.Errorf("waits %v ms, want %v", waits, want)
	}
	if got := w.next(now, "y", false, now); got != retryFirst {
		t.Errorf("another run in the way: %v, want %v", got, retryFirst)
	}
}

// An earlier slot of another process that does not start goes first for two seconds only.
func TestAnEarlierRunThatDoesNotStartIsPassed(t *testing.T) {
	began := time.Unix(1_800_000_000, 0)
	slot := began.Add(-time.Minute)
	var w remoteWait
	at := began
	for w.passed.IsZero() {
		wait := w.next(at, "x", true, slot)
		if wait > 10*retryFirst {
			t.Fatalf("asked again after %v although nothing runs", wait)
		}
		if at.Sub(began) > 2*turnTimeout {
			t.Fatalf("still not passed after %v", at.Sub(began))
		}
		at = at.Add(wait)
	}
	if !w.passed.Equal(slot) || at.Sub(began) < turnTimeout {
		t.Errorf("passed up to %v after %v, want %v after %v at the earliest", w.passed, at.Sub(began), slot, turnTimeout)
	}
}
