package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// BenchmarkRuns carries whole runs through the file: one caller claims in batches of 500, as a
// second's slots come, and 64 workers start and finish. "running" claims them as running, as a
// scheduler with free workers does; "queued" has each started by a statement of its own.
func BenchmarkRuns(b *testing.B) {
	for _, status := range []cron.Status{cron.Running, cron.Queued} {
		b.Run(string(status), func(b *testing.B) {
			s := open(b, file(b))
			ctx := context.Background()
			const jobs = 10_000
			defs := make([]contract.Definition, jobs)
			for i := range defs {
				defs[i] = contract.Definition{Name: fmt.Sprintf("job-%d", i), Definition: "* * * * * *"}
			}
			now := time.Now().Truncate(time.Second)
			if _, err := s.Sync(ctx, contract.Program{Definitions: defs, At: now}); err != nil {
				b.Fatal(err)
			}
			work := make(chan contract.Claim, jobs)
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() {
					for c := range work {
						if status == cron.Queued {
							if out, err := s.Start(ctx, contract.Start{Fence: c.Fence, Job: c.Job, At: now, Lease: time.Minute, Serial: true}); err != nil || !out.Started {
								b.Error(out, err)
							}
						}
						at := time.Now()
						if err := s.Finish(ctx, contract.Finish{
							Fence: c.Fence, Job: c.Job, Slot: c.Slot, Status: cron.Succeeded, Started: now, At: at,
							Attempts: []cron.Attempt{{Number: 1, Instance: c.Instance, StartedAt: now, EndedAt: &at}},
						}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ResetTimer()
			spent := cpu()
			for first := 0; first < b.N; first += 500 {
				n := min(500, b.N-first)
				claims := make([]contract.Claim, n)
				for i := range claims {
					slot := now.Add(time.Duration(1+(first+i)/jobs) * time.Second)
					claims[i] = contract.Claim{
						Fence: contract.Fence{ID: uuid.Must(uuid.NewV7()).String(), Token: rand.Int64()},
						Job:   defs[(first+i)%jobs].Name, Slot: slot, Watermark: slot, Trigger: cron.BySchedule, Status: status,
						Overlap: cron.Skip, Instance: "0190f3c2-0000-7000-8000-000000000000", Lease: time.Minute, At: time.Now(),
					}
				}
				got, err := s.Claim(ctx, claims)
				if err != nil {
					b.Fatal(err)
				}
				for i, g := range got {
					if g.Won && g.Status == status {
						work <- claims[i]
					}
				}
			}
			close(work)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
			b.ReportMetric((cpu()-spent).Seconds()*1e6/float64(b.N), "cpu-µs/run")
		})
	}
}

// cpu is what the process has used so far: the figure to trust on a busy machine.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkOutline is what GET /crons asks for, with 1000 jobs.
func BenchmarkOutline(b *testing.B) {
	s, ctx := open(b, file(b)), context.Background()
	var defs []contract.Definition
	var claims []contract.Claim
	for i := range 1000 {
		defs = append(defs, contract.Definition{Name: fmt.Sprintf("job-%d", i), Definition: "* * * * *"})
		for slot := range (i % 10) / 9 {
			claims = append(claims, claimOf(defs[i].Name, slot+1))
		}
	}
	if _, err := s.Claim(ctx, claims); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Sync(ctx, contract.Program{Definitions: defs, At: time.Now()}); err != nil {
		b.Fatal(err)
	}
	spent, n := cpu(), 0
	defer func() { b.ReportMetric((cpu()-spent).Seconds()*1e3/float64(n), "cpu-ms/op") }()
	for b.Loop() {
		n++
		if states, err := s.Outline(ctx); err != nil || len(states) != 1000 {
			b.Fatal(len(states), err)
		}
	}
}

// BenchmarkSync is what a start does, with 1000 jobs known and unchanged.
func BenchmarkSync(b *testing.B) {
	s, ctx := open(b, file(b)), context.Background()
	var defs []contract.Definition
	for i := range 1000 {
		defs = append(defs, contract.Definition{Name: fmt.Sprintf("job-%d", i), Definition: "* * * * *"})
	}
	for b.Loop() {
		if _, err := s.Sync(ctx, contract.Program{Definitions: defs, At: time.Now()}); err != nil {
			b.Fatal(err)
		}
	}
}
