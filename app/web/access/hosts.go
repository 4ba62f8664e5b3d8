package access

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/env"
)

// hosts are the names under which the server may be called.
type hosts struct {
	names    []string // CRON_ALLOWED_HOSTS
	loopback bool     // listening on loopback only
	anyName  bool     // any name: a credential is required anyway
}

// newHosts returns the names that cfg asks for. HOST says nothing of a program with a rule of its own, which listens
// where it likes.
func newHosts(cfg env.Config, rule bool) hosts {
	return hosts{
		names:    cfg.AllowedHosts,
		loopback: cfg.Loopback() && !rule,
		anyName:  len(cfg.AllowedHosts) == 0 && (rule || !cfg.Loopback() && cfg.Auth != env.AuthOff),
	}
}

// allow checks the Host header as it was sent, and the host of an absolute request line, never X-Forwarded-Host.
func (h hosts) allow(c *fiber.Ctx) bool {
	header := string(c.Request().Header.Host())
	if !h.allowName(header) {
		return false
	}
	line := string(c.Request().URI().Host())
	return strings.EqualFold(line, header) || h.allowName(line)
}

func (h hosts) allowName(hostport string) bool {
	name, _, ok := splitHost(hostport)
	if !ok {
		return false
	}
	switch {
	case h.anyName, slices.Contains(h.names, name):
		return true
	case h.loopback:
		return isLoopbackName(name)
	case len(h.names) > 0:
		return false
	}
	// On other addresses with CRON_AUTH=off. Whoever points a domain of their own here controls neither addresses nor
	// names without a dot.
	_, err := netip.ParseAddr(name)
	return err == nil || !strings.Contains(name, ".") || isLoopbackName(name)
}

func isLoopbackName(name string) bool {
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.Unmap().IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// sameOrigin says whether a write comes from one of our own pages, or from no page at all. Browsers name the origin of a
// write in one of two headers, newer ones in both. A trusted proxy names the host that the browser called.
func (h hosts) sameOrigin(c *fiber.Ctx, forwardedHost string) bool {
	switch c.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default: // cross-site; and same-site, which is also any other port of localhost
		return false
	}
	origin := c.Get(fiber.HeaderOrigin)
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false // "null" among others
	}
	name, port, ok := splitHost(u.Host)
	if !ok {
		return false
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if strings.EqualFold(u.Host, forwardedHost) {
		return true
	}
	ownName, ownPort, _ := splitHost(string(c.Request().Header.Host()))
	if ownPort == "" { // a proxy may have terminated TLS
		ownPort = port
		if port != "80" && port != "443" {
			return false
		}
	}
	// A proxy that replaces Host leaves the public name in Origin.
	return port == ownPort && name == ownName ||
		slices.Contains(h.names, name) && (port == "80" || port == "443")
}

// splitHost is the name in lower case, without brackets and the last dot, and the port.
func splitHost(hostport string) (name, port string, ok bool) {
	name = hostport
	if host, p, err := net.SplitHostPort(hostport); err == nil {
		name, port = host, p
	} else {
		name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	return name, port, name != "" && !strings.ContainsAny(name, "[]/@ ")
}

func isAddress(hostport string) bool {
	name, _, _ := splitHost(hostport)
	_, err := netip.ParseAddr(name)
	return err == nil
}
