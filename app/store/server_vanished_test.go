//go:build unix

package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// When all connections have died at once and nobody was told, one is waited for, and not each in turn.
func TestServerConnectionsVanish(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for dead connections to be given up")
	}
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		t.Parallel()
		w, url := newToxicWire(t, k.URL(t), false)
		s, err := store.Open(t.Context(), store.Options{URL: url, RetryFor: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		for range 5 { // so that there are several connections
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					if _, err := s.Runs(context.Background(), contract.Query{}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		w.vanish()
		began := time.Now()
		failed := 0
		for well := 0; well < 5; well++ {
			if _, err := s.Runs(context.Background(), contract.Query{}); err != nil {
				failed, well = failed+1, -1
			}
		}
		took := time.Since(began)
		t.Logf("well again after %s and %d errors", took, failed)
		if failed == 0 || took > 19*time.Second {
			t.Errorf("well again after %s and %d errors: one connection is to be waited for 10 s, and no other", took, failed)
		}
	})
}
