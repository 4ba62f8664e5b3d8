package api_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/crontest"
	"fibercrons/app/internal/background"
	"fibercrons/app/web/api"
)

// A list that takes long to make is reused while the next one is being made, but not after a change through
// this server, and only for a while.
func TestSlowListIsReusedWhileTheNextIsMade(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var changes, made atomic.Int64
		work := background.New()
		defer work.Close()
		f := api.NewCache(func(context.Context) (int64, error) { return changes.Add(1), nil }, work.Go) // always out of date
		ask := func() (string, time.Duration) {
			began := time.Now()
			body, err := f.Do(t.Context(), "list", func() (string, time.Time) {
				time.Sleep(50 * time.Millisecond)
				return strconv.FormatInt(made.Add(1), 10), time.Now().Add(time.Hour)
			})
			if err != nil {
				t.Fatal(err)
			}
			return body, time.Since(began)
		}
		expect := func(when, want string, most time.Duration) {
			t.Helper()
			if got, took := ask(); got != want || took > most {
				t.Errorf("%s: answer %s after %s, want %s within %s", when, got, took, want, most)
			}
		}
		const atOnce = 0
		expect("first", "1", 50*time.Millisecond)
		expect("again", "1", atOnce)
		time.Sleep(100 * time.Millisecond)
		expect("when the next was made", "2", atOnce)
		synctest.Wait() // the third is being made
		f.Changed()
		expect("after a change", "4", 101*time.Millisecond) // what was being made may not have it
		time.Sleep(2 * time.Second)
		expect("much later", "5", 50*time.Millisecond)
	})
}
