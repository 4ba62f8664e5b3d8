package outgoing

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// allowed are the parsed entries of [Options].Allow.
type allowed struct {
	hosts  map[string]bool // name, or name:port
	ranges []addrRange
}

type addrRange struct {
	prefix netip.Prefix
	port   uint16 // 0: every port
}

func parseAllowed(entries []string) allowed {
	a := allowed{hosts: make(map[string]bool)}
	for _, entry := range entries {
		entry = strings.TrimSpace(entry)
		if prefix, err := netip.ParsePrefix(entry); err == nil {
			if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
				prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
			}
			a.ranges = append(a.ranges, addrRange{prefix: prefix.Masked()})
			continue
		}
		host, port := splitEntry(entry)
		if addr, err := netip.ParseAddr(host); err == nil {
			addr = addr.WithZone("").Unmap()
			a.ranges = append(a.ranges, addrRange{prefix: netip.PrefixFrom(addr, addr.BitLen()), port: port})
			continue
		}
		if host = canonical(host); host == "" {
			continue
		}
		if port != 0 {
			host = net.JoinHostPort(host, strconv.Itoa(int(port)))
		}
		a.hosts[host] = true
	}
	return a
}

// splitEntry separates the port, if any. An IPv6 address with a port has brackets.
func splitEntry(entry string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(entry)
	if err != nil {
		return strings.TrimSuffix(strings.TrimPrefix(entry, "["), "]"), 0
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", 0 // allows nothing
	}
	return host, uint16(n)
}

// name reports whether every address of a host is allowed at this port.
func (a allowed) name(host, port string) bool {
	host = canonical(host)
	return a.hosts[host] || a.hosts[net.JoinHostPort(host, port)]
}

func (a allowed) address(at netip.AddrPort) bool {
	addr := at.Addr().WithZone("").Unmap()
	for _, r := range a.ranges {
		if r.prefix.Contains(addr) && (r.port == 0 || r.port == at.Port()) {
			return true
		}
	}
	return false
}

// canonical returns a name in the form used for comparisons. DNS ignores case, and a trailing dot only marks a full
// name.
func canonical(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }
