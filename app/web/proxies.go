package web

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Forwarding headers are believed when the other end of the connection is one of CRON_TRUSTED_PROXIES.
// From anybody else they only take away: see isLoopback.

// trusts says whether addr is a proxy of CRON_TRUSTED_PROXIES.
func (s *Server) trusts(addr netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// remote is the other end of the connection.
func remote(c *fiber.Ctx) netip.Addr {
	addr, _ := netip.AddrFromSlice(c.Context().RemoteIP())
	return addr.Unmap()
}

// client is where the request came from: the last address in X-Forwarded-For that is not a trusted proxy.
// What stands before it anybody can write.
func (s *Server) client(c *fiber.Ctx) netip.Addr {
	addr := remote(c)
	if !s.trusts(addr) {
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
		if addr = next; !s.trusts(addr) {
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
func (s *Server) forwarded(c *fiber.Ctx, header string) string {
	if !s.trusts(remote(c)) {
		return ""
	}
	said := c.Get(header)
	return strings.ToLower(strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]))
}

// peer is whose attempts are counted. Of an IPv6 address it is the network, which one machine owns whole.
func (s *Server) peer(c *fiber.Ctx) netip.Prefix {
	addr := s.client(c)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, _ := addr.Prefix(bits)
	return prefix
}

// sender is where a request came from, for people: the client, and what proxies say that are not trusted,
// marked as hearsay.
func (s *Server) sender(c *fiber.Ctx) string {
	from := remote(c).String()
	if s.trusts(remote(c)) {
		if client := s.client(c); client != remote(c) {
			return client.String() + " (through " + from + ")"
		}
		return from
	}
	if said := c.Get(fiber.HeaderXForwardedFor); said != "" {
		from += " (forwarded for " + inert(shorten(said)) + ")"
	}
	return from
}
