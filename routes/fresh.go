package routes

import (
	"errors"
	"sync"
	"time"
)

// fresh lets callers who ask the same thing at the same time share one answer. A caller shares only
// an answer whose making began after he asked, so nobody sees a state older than his request: it
// saves work under load, and is no cache.
type fresh[T any] struct {
	mu      sync.Mutex
	running map[string]*flight[T]
	next    map[string]*flight[T]
	crowd   int       // how many callers were answered at once the last time,
	crowded time.Time // which was then
}

// patient is how long an answer that many ask for may be put off, at most.
const patient = 25 * time.Millisecond

type flight[T any] struct {
	callers int // under the lock of fresh
	done    chan struct{}
	value   T
	err     error
}

var errBroken = errors.New("the shared answer broke off")

func newFresh[T any]() *fresh[T] {
	return &fresh[T]{running: map[string]*flight[T]{}, next: map[string]*flight[T]{}}
}

// do returns the answer to key, made by this call or by another that asked the same.
func (f *fresh[T]) do(key string, create func() (T, error)) (T, error) {
	f.mu.Lock()
	if waiting := f.next[key]; waiting != nil {
		waiting.callers++
		f.mu.Unlock()
		<-waiting.done
		return waiting.value, waiting.err
	}
	mine, before := &flight[T]{callers: 1, done: make(chan struct{}), err: errBroken}, f.running[key]
	f.next[key] = mine
	f.mu.Unlock()

	if before != nil {
		<-before.done
	}
	f.gather(mine)
	f.mu.Lock()
	delete(f.next, key) // whoever comes now has come after the beginning
	f.running[key] = mine
	f.mu.Unlock()

	defer func() { // also when create panics: the others must not wait for ever
		f.mu.Lock()
		if f.running[key] == mine {
			delete(f.running, key)
		}
		f.crowd, f.crowded = mine.callers, time.Now()
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.value, mine.err = create()
	return mine.value, mine.err
}

// gather waits while callers keep coming, until as many are there as were answered last. Those are
// about to ask again; without some patience the first of them would have an answer made for himself,
// and all others be too late for it. A caller who is alone does not wait.
func (f *fresh[T]) gather(mine *flight[T]) {
	const look, quiet = 100 * time.Microsecond, time.Millisecond
	begin := time.Now()
	seen, since := 0, begin
	for now := begin; now.Sub(begin) < patient; now = time.Now() {
		f.mu.Lock()
		callers, crowd := mine.callers, f.crowd
		if begin.Sub(f.crowded) > patient {
			crowd = 0 // long ago
		}
		f.mu.Unlock()
		if callers >= crowd || callers == seen && now.Sub(since) > quiet {
			return
		}
		if callers != seen {
			seen, since = callers, now
		}
		time.Sleep(look)
	}
}
