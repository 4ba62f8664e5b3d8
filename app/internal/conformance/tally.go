package conformance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/cron"
)

// Tally counts calls of jobs by run and attempt, outside the store. The zero Tally counts in memory. With File set it
// appends each call to that file at once, so that several processes can share it and may be killed.
type Tally struct {
	File string

	mu    sync.Mutex
	calls map[string]int
	file  *os.File
}

// Count records the call that ctx belongs to.
func (y *Tally) Count(ctx context.Context) {
	r := cron.RunFrom(ctx)
	y.mu.Lock()
	defer y.mu.Unlock()
	key := attemptKey(r.ID(), r.Attempt())
	if y.File == "" {
		if y.calls == nil {
			y.calls = make(map[string]int)
		}
		y.calls[key]++
		return
	}
	if y.file == nil {
		f, err := os.OpenFile(y.File, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			panic(err)
		}
		y.file = f
	}
	if _, err := y.file.WriteString(key + "\n"); err != nil {
		panic(err)
	}
}

func attemptKey(run string, attempt int) string { return fmt.Sprintf("%s %d", run, attempt) }

func (y *Tally) read(t testing.TB) map[string]int {
	t.Helper()
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.File == "" {
		return maps.Clone(y.calls)
	}
	f, err := os.Open(y.File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	calls := make(map[string]int)
	for in := bufio.NewReader(f); ; {
		key, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return calls
		}
		if err != nil {
			t.Fatal(err)
		}
		calls[strings.TrimSuffix(key, "\n")]++
	}
}

// Check fails the test unless calls and records agree: each attempt was called at most once and has a record, each
// successful one was called, and no slot of a job is missing between two others.
func (y *Tally) Check(t testing.TB, runs map[string][]cron.Record) {
	t.Helper()
	calls := y.read(t)
	doubled, lost := 0, 0
	attempts := make(map[string]bool)
	for job, recs := range runs {
		var last *time.Time
		var step time.Duration
		for _, r := range recs {
			if !r.Status.Ended() {
				t.Errorf("%s: run %s is %s", job, r.ID, r.Status)
				lost++
			}
			for n := 1; n <= r.Attempt; n++ {
				attempts[attemptKey(r.ID, n)] = true
			}
			if ended := r.Status == cron.Succeeded || r.Status == cron.Failed; ended && calls[attemptKey(r.ID, r.Attempt)] == 0 {
				t.Errorf("%s: run %s %s at attempt %d, which was not made", job, r.ID, r.Status, r.Attempt)
				lost++
			}
			if r.Slot == nil {
				continue
			}
			if last != nil {
				gap := r.Slot.Sub(*last)
				if step == 0 {
					step = gap
				}
				if gap != step {
					t.Errorf("%s: from slot %s to %s it is %s, elsewhere %s", job, last, r.Slot, gap, step)
					lost++
				}
			}
			last = r.Slot
		}
	}
	for key, n := range calls {
		if n > 1 {
			t.Errorf("attempt %s was made %d times", key, n)
			doubled++
		}
		if !attempts[key] {
			t.Errorf("attempt %s was made and is not on record", key)
		}
	}
	t.Logf("%d attempts made: %d lost, %d doubled", len(calls), lost, doubled)
}

// byJob groups records, given newest first, by job and sorts them by slot.
func byJob(recs []cron.Record) map[string][]cron.Record {
	m := make(map[string][]cron.Record)
	for _, r := range slices.Backward(recs) {
		m[r.Job] = append(m[r.Job], r)
	}
	for _, list := range m {
		slices.SortStableFunc(list, func(a, b cron.Record) int {
			if a.Slot == nil || b.Slot == nil {
				return 0
			}
			return a.Slot.Compare(*b.Slot)
		})
	}
	return m
}

// Summary counts runs by status.
func Summary(runs map[string][]cron.Record) string {
	n, ended := 0, map[cron.Status]int{}
	for _, recs := range runs {
		for _, r := range recs {
			n++
			ended[r.Status]++
		}
	}
	parts := make([]string, 0, len(ended))
	for _, s := range slices.Sorted(maps.Keys(ended)) {
		parts = append(parts, fmt.Sprintf("%s %d", s, ended[s]))
	}
	return fmt.Sprintf("%d runs, %s", n, strings.Join(parts, ", "))
}

var chaosJobs = []string{"allow", "limit-a", "limit-b", "queue", "rerun", "retry", "skip"}

// chaos registers a job of each kind, all due every second.
func chaos(count func(context.Context)) func(*cron.Registry) {
	options := map[string][]cron.Option{
		"allow":   {cron.Overlap(cron.Allow)},
		"limit-a": {cron.Limit("g", 1)},
		"limit-b": {cron.Limit("g", 1)},
		"queue":   {cron.Overlap(cron.Queue), cron.OnCrash(cron.Rerun)},
		"rerun":   {cron.Overlap(cron.Allow), cron.OnCrash(cron.Rerun)},
		"retry":   {cron.Overlap(cron.Allow), cron.Retry(3, cron.Fixed(100*time.Millisecond)), cron.OnCrash(cron.Rerun)},
		"skip":    {cron.Overlap(cron.Skip)},
	}
	return func(r *cron.Registry) {
		for _, name := range chaosJobs {
			r.Register(name, "@every 1s", func(ctx context.Context) error {
				count(ctx)
				if name == "retry" && rand.IntN(2) == 0 {
					return errNotYet
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Duration(rand.IntN(800)) * time.Millisecond):
					return nil
				}
			}, append(options[name], cron.CatchUp(cron.All))...)
		}
	}
}
