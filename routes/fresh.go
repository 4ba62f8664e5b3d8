package routes

import (
	"context"
	"errors"
	"sync"
	"time"
)

// fresh hands out rendered answers again while nothing has changed, and lets those who ask while one
// is being made wait for it together. Nobody sees a state older than his question: an answer carries
// the stamp of the store from before it was made, and a caller takes only one whose stamp is that of
// his own question, or a later one.
type fresh struct {
	stamp func(context.Context) (int64, error) // grows with every change

	mu     sync.Mutex
	kept   map[string]answered
	size   int // bytes kept
	making map[string]*flight
}

// answered is an answer that was made.
type answered struct {
	document
	stamp       int64
	made, until time.Time // it holds from the one to the other, if the store does not change
}

// flight is an answer that is being made.
type flight struct {
	done chan struct{}
	answered
	err error
}

// The filters of a list are the caller's to choose, so what is kept is bounded.
const (
	keptMost  = 32
	keptBytes = 16 << 20
)

var errBroken = errors.New("the answer broke off")

func newFresh(stamp func(context.Context) (int64, error)) *fresh {
	return &fresh{stamp: stamp, kept: map[string]answered{}, making: map[string]*flight{}}
}

// do returns the answer to key. create says until when it holds.
func (f *fresh) do(ctx context.Context, key string, create func(context.Context) (document, time.Time, error)) (document, error) {
	asked, err := f.stamp(ctx)
	if err != nil {
		return document{}, err
	}
	for {
		f.mu.Lock()
		if a, ok := f.kept[key]; ok && a.answers(asked, time.Now()) {
			f.mu.Unlock()
			return a.document, nil
		}
		other := f.making[key]
		if other == nil {
			return f.make(ctx, key, create) // unlocks
		}
		f.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return document{}, ctx.Err()
		}
		if other.err == nil && other.stamp >= asked {
			return other.document, nil // made for all who waited, however soon it is out of date
		}
	}
}

func (a *answered) answers(asked int64, now time.Time) bool {
	return a.stamp >= asked && !now.Before(a.made) && now.Before(a.until)
}

// make makes an answer. f.mu is held, and given up.
func (f *fresh) make(ctx context.Context, key string, create func(context.Context) (document, time.Time, error)) (document, error) {
	mine := &flight{done: make(chan struct{}), err: errBroken}
	f.making[key] = mine
	f.mu.Unlock()
	defer func() { // also when create panics: the others must not wait for ever
		f.mu.Lock()
		delete(f.making, key)
		if mine.err == nil {
			f.keep(key, mine.answered)
		}
		f.mu.Unlock()
		close(mine.done)
	}()
	mine.made = time.Now()
	if mine.stamp, mine.err = f.stamp(ctx); mine.err == nil {
		mine.document, mine.until, mine.err = create(ctx)
	}
	return mine.document, mine.err
}

func (f *fresh) keep(key string, a answered) {
	f.size += len(a.body) - len(f.kept[key].body)
	f.kept[key] = a
	if len(f.kept) > keptMost || f.size > keptBytes {
		f.kept, f.size = map[string]answered{}, 0
	}
}
