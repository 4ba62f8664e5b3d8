package access

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// proxies are CRON_TRUSTED_PROXIES. Forwarding headers count when the other end of the connection is one of them. From
// anybody else they only take away: see isLoopback.
type proxies []netip.Prefix

// longestHearsay is how many bytes are shown of a header that anybody can write.
const longestHearsay = 100

// trusts says whether addr is a proxy of CRON_TRUSTED_PROXIES.
func (p proxies) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(p, func(one netip.Prefix) bool { return one.Contains(addr) })
}

// remote is the other end of the connection.
func remote(c *fiber.Ctx) netip.Addr {
	addr, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	return addr.Unmap()
}

// client is where the request came from: the last address in X-Forwarded-For that is not a trusted proxy.
// What stands before it anybody can write.
func (p proxies) client(c *fiber.Ctx) netip.Addr {
	addr := remote(c)
	if !p.trusts(addr) {
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
		if addr = next; !p.trusts(addr) {
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
func (p proxies) forwarded(c *fiber.Ctx, header string) string {
	if !p.trusts(remote(c)) {
		return ""
	}
	lines := c.Request().Header.PeekAll(header) // several are one list: RFC 9110, section 5.3
	if len(lines) == 0 {
		return ""
	}
	said := string(lines[len(lines)-1])
	return strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:])
}

// peer is whose attempts are counted: of an IPv6 address the network, which one machine owns as a whole.
func (p proxies) peer(c *fiber.Ctx) netip.Prefix {
	addr := p.client(c)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

// origin is where a request came from, for people: the client's address, and what untrusted proxies say, marked as
// such.
func (p proxies) origin(c *fiber.Ctx) string {
	from := remote(c).String()
	if p.trusts(remote(c)) {
		if client := p.client(c); client != remote(c) {
			return client.String() + " (through " + from + ")"
		}
		return from
	}
	if said := c.Get(fiber.HeaderXForwardedFor); said != "" {
		from += " (forwarded for " + Inert(said[:min(len(said), longestHearsay)]) + ")"
	}
	return from
}

// Inert leaves only printable ASCII, so that nobody can forge a log line or control a terminal.
func Inert(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
