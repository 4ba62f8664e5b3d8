package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/store"
)

func claimOf(job string, slot int) contract.Claim {
	return contract.Claim{
		Fence: contract.Fence{ID: uuid.Must(uuid.NewV7()).String(), Token: rand.Int64()}, Job: job,
		Slot: time.UnixMilli(int64(slot) * 1000), Trigger: cron.BySchedule, Status: cron.Running,
		Overlap: cron.Allow, Instance: "a", Lease: time.Hour, At: time.Now(),
	}
}

// gate holds the writer back before its first transaction.
func gate(s *store.Store) (open func(), groups func() [][]string) {
	var mu sync.Mutex
	var seen [][]string
	g := make(chan struct{})
	s.Tamper(func(point string, kinds []string) error {
		if point == "begin" {
			<-g
			mu.Lock()
			seen = append(seen, kinds)
			mu.Unlock()
		}
		return nil
	})
	return func() { close(g) }, func() [][]string { mu.Lock(); defer mu.Unlock(); return seen }
}

func TestWhatHasGatheredIsOneTransaction(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		release, groups := gate(s)
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				c := claimOf(fmt.Sprint("job-", i), 1)
				if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
					t.Error(got, err)
				}
			})
			synctest.Wait()
		}
		release()
		wg.Wait()
		if g := groups(); len(g) != 2 || len(g[0]) != 1 || len(g[1]) != 99 {
			t.Errorf("groups: %v", g)
		}
	})
}

func TestGroupsAreBounded(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		release, groups := gate(s)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				var batch []contract.Claim
				for n := range 300 {
					batch = append(batch, claimOf(fmt.Sprint("job-", i), n+1))
				}
				if _, err := s.Claim(t.Context(), batch); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		release()
		wg.Wait()
		var sizes []int
		for _, g := range groups() {
			sizes = append(sizes, len(g))
		}
		if !slices.Equal(sizes, []int{1, 4, 4, 1}) {
			t.Errorf("groups of %v batches", sizes)
		}
	})
}

func TestOneBadOpDoesNotHarmTheOthers(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		release, _ := gate(s)
		var wg sync.WaitGroup
		bad := claimOf("bad", 1)
		for i := range 10 {
			wg.Go(func() {
				c := claimOf(fmt.Sprint("job-", i), 1)
				if i == 5 {
					c = claimOf("worse", 2)
				}
				if i == 2 || i == 5 {
					c.ID = bad.ID // two runs of one ID
				}
				_, err := s.Claim(t.Context(), []contract.Claim{c})
				if (err != nil) != (i == 5) {
					t.Errorf("claim %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		release()
		wg.Wait()
		if runs, err := s.Runs(t.Context(), contract.Query{}); err != nil || len(runs) != 9 {
			t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		release, groups := gate(s)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("first", 1)}); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Claim(ctx, []contract.Claim{claimOf("second", 1)}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		release()
		wg.Wait()
		if err := s.Note(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if g := groups(); len(g) != 2 || g[1][0] != "note" {
			t.Errorf("what nobody waits for was carried out: %v", g)
		}
	})
}

func TestCloseCommitsWhatWaits(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		path := file(t)
		s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + path})
		if err != nil {
			t.Fatal(err)
		}
		release, _ := gate(s)
		var wg sync.WaitGroup
		for i := range 5 {
			wg.Go(func() {
				if _, err := s.Claim(t.Context(), []contract.Claim{claimOf(fmt.Sprint(i), 1)}); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		if err := s.Note(t.Context(), nil); !errors.Is(err, store.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
		release()
		wg.Wait()
		s = open(t, path)
		if runs, err := s.Runs(t.Context(), contract.Query{}); err != nil || len(runs) != 5 {
			t.Errorf("%d runs, %v", len(runs), err)
		}
	})
}

// A disk that is full, and has room again later.
func TestFullDisk(t *testing.T) {
	s := open(t, file(t))
	ctx := context.Background()
	c := claimOf("a", 1)
	if _, err := s.Claim(ctx, []contract.Claim{c}); err != nil {
		t.Fatal(err)
	}
	if err := s.Exec("PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
	var err error
	for i := 2; i < 2000 && err == nil; i++ {
		d := claimOf("a", i)
		d.Args = []byte(`"` + strings.Repeat("x", 4000) + `"`)
		_, err = s.Claim(ctx, []contract.Claim{d})
	}
	if err == nil || !strings.Contains(err.Error(), "disk is full") {
		t.Fatalf("claim on a full disk: %v", err)
	}
	if _, err := s.Runs(ctx, contract.Query{}); err != nil {
		t.Errorf("read on a full disk: %v", err)
	}
	if err := s.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Claim(ctx, []contract.Claim{claimOf("a", 5000)}); err != nil || !got[0].Won {
		t.Errorf("claim once there is room: %v, %v", got, err)
	}
	if err := s.Finish(ctx, contract.Finish{Fence: c.Fence, Job: "a", Status: cron.Succeeded, Started: c.At, At: c.At}); err != nil {
		t.Error(err)
	}
}

// Another process holds the lock for longer than a write is tried.
func TestLockedByAnother(t *testing.T) {
	path := file(t)
	other := open(t, path)
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path, RetryFor: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	tx, err := other.Writes().Begin()
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Claim(context.Background(), []contract.Claim{claimOf("a", 1)})
	if err == nil || !strings.Contains(err.Error(), "is locked by another program") {
		t.Errorf("claim: %v", err)
	}
	if _, err := s.States(context.Background()); err != nil {
		t.Errorf("reading goes on: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Claim(context.Background(), []contract.Claim{claimOf("a", 1)}); err != nil || !got[0].Won {
		t.Errorf("claim: %v, %v", got, err)
	}
}

// A worker waits for the claim of what it is to begin; who only puts a run in line does not.
func TestClaimsThatBeginGoFirst(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		release, _ := gate(s)
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		claim := func(job string, status cron.Status, rows int) {
			var batch []contract.Claim
			for n := range rows {
				c := claimOf(job, n+1)
				c.Status = status
				batch = append(batch, c)
			}
			wg.Go(func() {
				if _, err := s.Claim(t.Context(), batch); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, job)
				mu.Unlock()
			})
			synctest.Wait()
		}
		claim("first", cron.Queued, 1)
		claim("lines", cron.Queued, 600)
		claim("up", cron.Queued, 600)
		claim("begins", cron.Running, 1)
		release()
		wg.Wait()
		if !slices.Equal(order, []string{"first", "begins", "lines", "up"}) && !slices.Equal(order, []string{"first", "lines", "begins", "up"}) {
			t.Errorf("in the order %v", order)
		}
	})
}

// Jobs that are late have a run and slots that are skipped. They are written by few statements, and the
// history of each has them in order.
func TestLateSlotsAreWrittenTogether(t *testing.T) {
	s := open(t, file(t))
	const jobs, slots = 30, 4
	var claims []contract.Claim
	for i := range jobs {
		for n := range slots {
			c := claimOf(fmt.Sprintf("job-%02d", i), n+1)
			c.Overlap = cron.Skip
			c.At = c.At.Add(time.Duration(i) * time.Millisecond)
			claims = append(claims, c)
		}
	}
	inserts := 0
	s.Heard(func(query string) {
		if strings.Contains(query, "INTO job_runs") {
			inserts++
		}
	})
	if _, err := s.Claim(t.Context(), claims); err != nil {
		t.Fatal(err)
	}
	if inserts > 4 { // of 32 rows each
		t.Errorf("%d statements for %d rows", inserts, len(claims))
	}
	for i := range jobs {
		recs, err := s.Runs(t.Context(), contract.Query{Job: fmt.Sprintf("job-%02d", i)})
		if err != nil || len(recs) != slots {
			t.Fatal(recs, err)
		}
		for n, rec := range recs { // newest first
			c := claims[i*slots+slots-1-n]
			at := c.At.UTC().Truncate(time.Millisecond)
			if rec.ID != c.ID || !rec.QueuedAt.Equal(at) {
				t.Errorf("row %d is %v, want %v", n, rec, c)
			}
			switch oldest := n == slots-1; {
			case oldest && (rec.Status != cron.Running || rec.StartedAt == nil || !rec.StartedAt.Equal(at) || rec.EndedAt != nil || rec.Attempt != 1):
				t.Errorf("the first slot is %+v", rec)
			case !oldest && (rec.Status != cron.Skipped || rec.Reason != cron.ReasonOverlap || rec.StartedAt != nil || !rec.EndedAt.Equal(at) || rec.Attempt != 0):
				t.Errorf("a later slot is %+v", rec)
			}
		}
	}
}
