//go:build unix

package store_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store"
)

// A process that writes without a pause must leave room for the heartbeats of another, or that
// one's runs are taken for those of a dead process.
func TestFaultBusyNeighbour(t *testing.T) {
	onlyIfAsked(t)
	path := file(t)
	patient := func() *store.Store {
		s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + path, RetryFor: patience})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	busy, calm := patient(), patient()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(stop)
	for i := range 4 { // so that the next group has gathered when one has been committed
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				var claims []contract.Claim
				for k := range 50 {
					claims = append(claims, claimOf(fmt.Sprintf("job-%d", i), n*50+k+1))
				}
				if _, err := busy.Claim(t.Context(), claims); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var took []time.Duration
	for began := time.Now(); len(took) < 10 || len(took) < 200 && time.Since(began) < 3*time.Second; {
		time.Sleep(10 * time.Millisecond)
		at := time.Now()
		if _, err := calm.Beat(t.Context(), contract.Beat{Instance: contract.InstanceInfo{ID: "calm"}, At: at, Lease: time.Minute}); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	median, worst := took[len(took)/2], took[len(took)-1]
	t.Logf("%d heartbeats beside a busy process: median %s, worst %s", len(took), median, worst)
}
