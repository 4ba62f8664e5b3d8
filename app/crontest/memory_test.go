package crontest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/conformance"
)

func TestMemorySharing(t *testing.T) {
	conformance.Replicas(t, func(*testing.T) []contract.Store {
		m := crontest.NewMemory()
		return []contract.Store{m, m, m}
	})
}

func TestMemory(t *testing.T) {
	conformance.Store(t, func(*testing.T) contract.Store { return crontest.NewMemory() })
}

// BenchmarkMemoryClaim is one claim of a batch of 500, each of another job.
func BenchmarkMemoryClaim(b *testing.B) {
	const jobs, batch = 100_000, 500
	m := crontest.NewMemory()
	ctx := context.Background()
	now := time.Now()
	names := make([]string, jobs)
	for i := range names {
		names[i] = fmt.Sprintf("job-%d", i)
	}
	defs := make([]contract.Definition, jobs)
	for i := range defs {
		defs[i] = contract.Definition{Name: names[i]}
	}
	if _, err := m.Sync(ctx, contract.Program{Definitions: defs, At: now}); err != nil {
		b.Fatal(err)
	}
	claims := make([]contract.Claim, batch)
	ids := make([]string, b.N)
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7()).String()
	}
	b.ResetTimer()
	for first := 0; first < b.N; first += batch {
		n := min(batch, b.N-first)
		for i := range n {
			slot := now.Add(time.Duration((first+i)/jobs+1) * time.Second)
			claims[i] = contract.Claim{
				Fence: contract.Fence{ID: ids[first+i], Token: 1}, Job: names[(first+i)%jobs], Slot: slot, Watermark: slot,
				Status: cron.Running, Overlap: cron.Allow, Instance: "a", Lease: time.Minute, At: now,
			}
		}
		if _, err := m.Claim(ctx, claims[:n]); err != nil {
			b.Fatal(err)
		}
	}
}
