package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// rivals are some replicas of a program with many jobs, all of which tick: each claims every slot of every
// job, in batches of 100 as a scheduler does, and ends what it has won, 64 at a time.
type rivals struct {
	all        []*store.Store
	jobs       []contract.Definition
	won        []atomic.Int64 // by replica
	statements atomic.Int64
}

func newRivals(t testing.TB, url string, replicas, jobs int) *rivals {
	t.Helper()
	f := &rivals{won: make([]atomic.Int64, replicas)}
	for i := range jobs {
		f.jobs = append(f.jobs, contract.Definition{Name: fmt.Sprintf("job-%d", i), Definition: "* * * * * *"})
	}
	for range replicas {
		s := openURL(t, url)
		s.Heard(func(string) { f.statements.Add(1) })
		f.all = append(f.all, s)
	}
	if _, err := f.all[0].Sync(context.Background(), contract.Program{Definitions: f.jobs, At: time.UnixMilli(1000)}); err != nil {
		t.Fatal(err)
	}
	f.statements.Store(0)
	return f
}

// run carries every job through so many slots.
func (f *rivals) run(t testing.TB, slots int, status cron.Status) {
	ctx := context.Background()
	var replicas sync.WaitGroup
	for at, s := range f.all {
		replicas.Go(func() {
			work := make(chan contract.Claim, len(f.jobs)*slots)
			var workers sync.WaitGroup
			for range 64 {
				workers.Go(func() {
					for c := range work {
						if status == cron.Queued {
							if out, err := s.Start(ctx, contract.Start{Fence: c.Fence, Job: c.Job, At: c.At, Lease: time.Minute}); err != nil || !out.Started {
								t.Error(out, err)
							}
						}
						end := time.Now()
						if err := s.Finish(ctx, contract.Finish{
							Fence: c.Fence, Job: c.Job, Slot: c.Slot, Status: cron.Succeeded, Started: c.At, At: end,
							Attempts: []cron.Attempt{{Number: 1, Instance: c.Instance, StartedAt: c.At, EndedAt: &end}},
						}); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for slot := range slots {
				var batches sync.WaitGroup
				for first := 0; first < len(f.jobs); first += 100 {
					claims := make([]contract.Claim, min(100, len(f.jobs)-first))
					due := time.UnixMilli(int64(slot+2) * 1000)
					for i := range claims {
						claims[i] = contract.Claim{
							Fence: contract.Fence{ID: uuid.Must(uuid.NewV7()).String(), Token: rand.Int64()},
							Job:   f.jobs[first+i].Name, Slot: due, Watermark: due, Trigger: cron.BySchedule, Status: status,
							Overlap: cron.Allow, Instance: fmt.Sprint("replica-", at), Lease: time.Minute, At: time.Now(),
						}
					}
					batches.Go(func() {
						got, err := s.Claim(ctx, claims)
						if err != nil {
							t.Error(err)
							return
						}
						for i, g := range got {
							if g.Won {
								f.won[at].Add(1)
								work <- claims[i]
							}
						}
					})
				}
				batches.Wait()
			}
			close(work)
			workers.Wait()
		})
	}
	replicas.Wait()
}

func (f *rivals) total() (n int64) {
	for i := range f.won {
		n += f.won[i].Load()
	}
	return n
}

// BenchmarkServerRuns carries whole runs through a server. More replicas must not mean fewer runs.
func BenchmarkServerRuns(b *testing.B) {
	for _, k := range testdb.Kinds {
		for _, replicas := range []int{1, 2, 5} {
			b.Run(fmt.Sprintf("%s/%d", k.Name, replicas), func(b *testing.B) {
				f := newRivals(b, k.URL(b), replicas, 500)
				b.ResetTimer()
				f.run(b, (b.N+499)/500, cron.Running)
				n := float64(f.total())
				b.ReportMetric(n/b.Elapsed().Seconds(), "runs/s")
				b.ReportMetric(float64(f.statements.Load())/n, "statements/run")
			})
		}
	}
}

// A run costs few statements, whichever way it goes and however many replicas there are: each slot is won
// once, and those who lose it hardly do anything.
func TestServersTakeFewStatements(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		for _, replicas := range []int{1, 3} {
			for _, status := range []cron.Status{cron.Running, cron.Queued} {
				f := newRivals(t, k.URL(t), replicas, 200)
				f.run(t, 3, status)
				if n := f.total(); n != 600 {
					t.Errorf("%d of 600 slots were won", n)
				}
				each := float64(f.statements.Load()) / 600
				t.Logf("%d replicas, claimed as %s: %.2f statements a run", replicas, status, each)
				if each > 3 {
					t.Errorf("%d replicas, claimed as %s: %.2f statements a run, more than 3", replicas, status, each)
				}
			}
		}
	})
}
