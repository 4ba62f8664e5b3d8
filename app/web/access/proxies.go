package access

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Forwarding headers are believed when the other end of the connection is one of CRON_TRUSTED_PROXIES.
// From anybody else they only take away: see isLoopback.

// longestHearsay is how many bytes of a header are shown that anybody can write.
const longestHearsay = 100

// trusts says whether addr is a proxy of CRON_TRUSTED_PROXIES.
func (a *Control) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(a.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// remote is the other end of the connection.
func remote(c *fiber.Ctx) netip.Addr {
	addr, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	return addr.Unmap()
}

// client is where the request came from: the last address in X-Forwarded-For that is not a trusted proxy.
// What stands before it anybody can write.
func (a *Control) client(c *fiber.Ctx) netip.Addr {
	addr := remote(c)
	if !a.trusts(addr) {
		return addr
	}
	var hops []string
	for _, line := range c.Request().Header.PeekAll(fiber.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(line), ",")...)
	}
	for _, hop := range slices.Backward(hops) {
		next, ok := hopAddr(hop)
		if !ok {
			return addr
		}
		if addr = next; !a.trusts(addr) {
			return addr
		}
	}
	return addr
}

// hopAddr reads one entry of X-Forwarded-For. Some proxies add the port.
func hopAddr(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap().WithZone(""), err == nil
}

// forwarded is what a trusted proxy says in a header; of several values the last, which is its own.
func (a *Control) forwarded(c *fiber.Ctx, header string) string {
	if !a.trusts(remote(c)) {
		return ""
	}
	said := c.Get(header)
	return strings.ToLower(strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]))
}

// peer is whose attempts are counted. Of an IPv6 address it is the network, which one machine owns whole.
func (a *Control) peer(c *fiber.Ctx) netip.Prefix {
	addr := a.client(c)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

// Origin is where a request came from, for people: the client's address, and what proxies say that are not trusted,
// marked as hearsay.
func (a *Control) Origin(c *fiber.Ctx) string {
	from := remote(c).String()
	if a.trusts(remote(c)) {
		if client := a.client(c); client != remote(c) {
			return client.String() + " (through " + from + ")"
		}
		return from
	}
	if said := c.Get(fiber.HeaderXForwardedFor); said != "" {
		from += " (forwarded for " + Inert(said[:min(len(said), longestHearsay)]) + ")"
	}
	return from
}

// Inert leaves only printable ASCII, so that no log line can be made up and no terminal commanded.
func Inert(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
