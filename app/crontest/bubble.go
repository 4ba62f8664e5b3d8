package crontest

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// Bubble is [synctest.Test]: it runs f with fake time. Under the race detector it uses one processor, because timers
// that fire on two threads at once make the detector end the program (golang/go#78156).
func Bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if UnderRace {
		narrow()
		defer widen()
	}
	synctest.Test(t, f) //nolint:forbidigo // here
}

// bubbles counts the bubbles that need one processor.
var bubbles struct {
	sync.Mutex
	n     int
	procs int // before the first bubble
}

func narrow() {
	bubbles.Lock()
	defer bubbles.Unlock()
	if bubbles.n == 0 {
		bubbles.procs = runtime.GOMAXPROCS(1)
	}
	bubbles.n++
}

func widen() {
	bubbles.Lock()
	defer bubbles.Unlock()
	if bubbles.n--; bubbles.n == 0 {
		runtime.GOMAXPROCS(bubbles.procs)
	}
}
