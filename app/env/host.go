package env

import (
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// isHost accepts an IP address or a DNS name (RFC 1123), also with "_", which container networks allow.
func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return len(host) <= 253 && hostname.MatchString(host) && !numberLast.MatchString(host)
}

// isTarget accepts a host, a host and a port, or a range of addresses.
func isTarget(target string) bool {
	if _, err := netip.ParsePrefix(target); err == nil || isHost(target) {
		return true
	}
	host, text, err := net.SplitHostPort(target)
	port, bad := strconv.ParseUint(text, 10, 16)
	return err == nil && bad == nil && port > 0 && isHost(host)
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

var (
	hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)
	// No top-level domain is a number (RFC 3696, section 2), so such a name is a mistyped address.
	numberLast = regexp.MustCompile(`(^|\.)[0-9]+$`)
)
