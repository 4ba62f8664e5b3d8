package crontest

import (
	"runtime"
	"testing"
	"time"
)

func TestBubbleHasOneProcessorUnderTheRaceDetector(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	want := 2
	if UnderRace {
		want = 1
	}
	t.Run("several at a time", func(t *testing.T) {
		for range 4 {
			t.Run("bubble", func(t *testing.T) {
				t.Parallel()
				Bubble(t, func(t *testing.T) {
					for range 10 {
						time.Sleep(time.Hour)
						if got := runtime.GOMAXPROCS(0); got != want {
							t.Errorf("%d processors, want %d", got, want)
						}
					}
				})
			})
		}
	})
	if got := runtime.GOMAXPROCS(0); got != 2 {
		t.Errorf("%d processors afterwards, want 2", got)
	}
}
