package web

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
//
// A list of very many jobs takes long to make, and in a burst of runs it is out of date before it is
// done. Such an answer is handed out for a while although something has changed (see stale), and the
// next one is made meanwhile, unless somebody has changed something through this server since: whoever
// pauses a job sees it paused.
type fresh struct {
	stamp func(context.Context) (int64, error) // grows with every change

	renewing sync.WaitGroup // goroutines

	mu     sync.Mutex
	since  time.Time // answers made before are not handed out when they are out of date
	closed bool
	kept   map[string]answered
	size   int // bytes kept
	making map[string]*flight
}

// answered is an answer that was made.
type answered struct {
	document
	stamp       int64
	made, until time.Time // it holds from the one to the other, if the store does not change
	took        time.Duration
}

// stale is for how long an answer that is out of date may be handed out: not at all, if making it
// was soon done, and otherwise so long that making it anew takes a tenth of the time.
func (a *answered) stale() time.Duration {
	if a.took < slowAnswer {
		return 0
	}
	return min(10*a.took, oldest)
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

	slowAnswer = 20 * time.Millisecond
	oldest     = time.Second
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
		now := time.Now()
		a, ok := f.kept[key]
		if ok && a.answers(asked, now) {
			f.mu.Unlock()
			return a.document, nil
		}
		other := f.making[key]
		if ok && !f.closed && a.passable(f.since, now) {
			if other == nil {
				mine := f.begin(key)
				f.renewing.Go(func() { f.renew(key, mine, create) })
			}
			f.mu.Unlock()
			return a.document, nil
		}
		if other == nil {
			mine := f.begin(key)
			f.mu.Unlock()
			return f.make(ctx, key, mine, create)
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

// passable says that an answer may be handed out although it is out of date.
func (a *answered) passable(since, now time.Time) bool {
	stale := a.stale()
	return stale > 0 && a.made.After(since) && !now.Before(a.made) && now.Sub(a.made) < a.took+stale
}

// renew is make in nobody's name: whoever needs the answer finds out himself why there is none.
func (f *fresh) renew(key string, mine *flight, create func(context.Context) (document, time.Time, error)) {
	defer func() { _ = recover() }()
	_, _ = f.make(context.Background(), key, mine, create)
}

// changed says that somebody has changed something and will look whether it is so.
func (f *fresh) changed() {
	f.mu.Lock()
	f.since = time.Now()
	f.mu.Unlock()
}

// close waits for what is being made in nobody's name.
func (f *fresh) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.renewing.Wait()
}

// begin notes that an answer is about to be made. f.mu is held.
func (f *fresh) begin(key string) *flight {
	mine := &flight{done: make(chan struct{}), err: errBroken}
	f.making[key] = mine
	return mine
}

// make makes an answer.
func (f *fresh) make(ctx context.Context, key string, mine *flight, create func(context.Context) (document, time.Time, error)) (document, error) {
	defer func() { // also when create panics: the others must not wait for ever
		f.mu.Lock()
		delete(f.making, key)
		if mine.err == nil {
			mine.took = time.Since(mine.made)
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
