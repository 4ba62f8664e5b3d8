package env

import (
	"net/netip"
	"regexp"
	"strings"
)

// checker collects mistakes, only the first for each variable.
type checker struct {
	settings
	known map[string]Variable
	bad   map[string]bool
	found []Mistake
}

func (k *checker) refuse(wrong bool, name, what, remedy string) {
	if wrong && k.good(name) {
		k.bad[name] = true
		k.found = append(k.found, k.mistake(k.known[name], what, remedy))
	}
}

func (k *checker) good(name string) bool { return !k.bad[name] }

// isHost accepts an IP address or a DNS name (RFC 1123), also with "_", which container networks allow.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostname.MatchString(host) && !numberLast.MatchString(host)
}

// network parses an address or a range.
func network(text string) (netip.Prefix, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), addr.Zone() == ""
	}
	prefix, err := netip.ParsePrefix(text)
	return prefix.Masked(), err == nil
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return strings.EqualFold(host, "localhost")
	}
	return addr.Unmap().IsLoopback()
}

const (
	shortestToken = 16
	makeToken     = "make one with: openssl rand -hex 32"
)

var (
	appEnv   = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)
	hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
	// No top-level domain is a number (RFC 3696, section 2), so such a name is a mistyped address.
	numberLast = regexp.MustCompile(`(^|\.)[0-9]+$`)
)
