package routes

import (
	"net/netip"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
)

// A peer may show ten wrong tokens, and one more for every half minute that passes.
const (
	wrongAllowed = 10
	wrongRegain  = 30 * time.Second
	peersKept    = 10_000
)

// attempts counts wrong tokens by the address at the other end of the connection. What a request
// says about where it came from is not looked at.
type attempts struct {
	mu    sync.Mutex
	clear map[netip.Prefix]time.Time // when the peer's wrong tokens are all forgotten
}

func newAttempts() *attempts { return &attempts{clear: map[netip.Prefix]time.Time{}} }

// wait is how long the peer must wait before its next attempt; 0: it need not.
func (a *attempts) wait(peer netip.Prefix, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear := a.clear[peer]
	if clear.Before(now) {
		return 0
	}
	return max(0, clear.Sub(now)-(wrongAllowed-1)*wrongRegain)
}

// failed counts a wrong token. It returns how long the peer must wait, if this one was too many.
func (a *attempts) failed(peer netip.Prefix, now time.Time) time.Duration {
	if wait := a.wait(peer, now); wait > 0 {
		return wait
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.clear) >= peersKept {
		a.forget(now)
	}
	from := a.clear[peer]
	if from.Before(now) {
		from = now
	}
	a.clear[peer] = from.Add(wrongRegain)
	return 0
}

// forget makes room: peers with nothing left to forget go first, then anyone.
func (a *attempts) forget(now time.Time) {
	for peer, clear := range a.clear {
		if clear.Before(now) {
			delete(a.clear, peer)
		}
	}
	for peer := range a.clear {
		if len(a.clear) < peersKept {
			return
		}
		delete(a.clear, peer)
	}
}

// peer is the real other end. Of an IPv6 address it is the network, which one machine owns whole.
func peer(c *fiber.Ctx) netip.Prefix {
	addr, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

func tooMany(wait time.Duration) *problem {
	p := refuse(fiber.StatusTooManyRequests, "too many wrong tokens from this address; wait a moment")
	p.retryAfter = wait
	return p
}
