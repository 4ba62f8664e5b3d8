package tokens

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

// Ten wrong tokens are free, and one more for every half minute that passes.
const (
	wrongAllowed = 10
	wrongRegain  = 30 * time.Second
	triesKept    = 10_000
)

// attempts slows guessing down, by address and by the token tried: an address pays for each new token, a token for
// each try. So a guess that comes from many addresses is slow, and a program that keeps sending one stale token does
// not use up the attempts of others behind its proxy. A right token is never counted and never refused.
type attempts struct {
	mu    sync.Mutex
	clear map[any]time.Time // by netip.Prefix or digest: when its count is back at zero
}

type digest [sha256.Size]byte

func newAttempts() *attempts { return &attempts{clear: map[any]time.Time{}} }

// failed counts a wrong token. It returns how long to wait, if this one was too many.
func (a *attempts) failed(peer netip.Prefix, secret string, now time.Time) time.Duration {
	tried := digest(sha256.Sum256([]byte(secret)))
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := max(a.wait(peer, now), a.wait(tried, now)); wait > 0 {
		return wait
	}
	if len(a.clear)+2 > triesKept {
		a.forget(now)
	}
	if !a.clear[tried].After(now) {
		a.count(peer, now)
	}
	a.count(tried, now)
	return 0
}

// wait is how long key is refused; 0: it is not.
func (a *attempts) wait(key any, now time.Time) time.Duration {
	clear := a.clear[key]
	if clear.Before(now) {
		return 0
	}
	return max(0, clear.Sub(now)-(wrongAllowed-1)*wrongRegain)
}

func (a *attempts) count(key any, now time.Time) {
	from := a.clear[key]
	if from.Before(now) {
		from = now
	}
	a.clear[key] = from.Add(wrongRegain)
}

// forget makes room: counts that are back at zero go first, then any.
func (a *attempts) forget(now time.Time) {
	for key, clear := range a.clear {
		if clear.Before(now) {
			delete(a.clear, key)
		}
	}
	for key := range a.clear {
		if len(a.clear) < triesKept/2 {
			return
		}
		delete(a.clear, key)
	}
}
