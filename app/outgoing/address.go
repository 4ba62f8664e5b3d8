package outgoing

import (
	"net/netip"
)

// block is a range of addresses that are not public.
type block struct {
	prefix netip.Prefix
	kind   string
}

// blocks are the IANA registries of special-purpose addresses (RFC 6890 and its updates). Of IPv6 only 2000::/3 is
// global unicast; blocks outside of it are listed only to name them.
var blocks = []block{
	{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified"},
	{netip.MustParsePrefix("10.0.0.0/8"), "a private"},
	{netip.MustParsePrefix("100.64.0.0/10"), "a carrier's private"}, // RFC 6598
	{netip.MustParsePrefix("127.0.0.0/8"), "a loopback"},
	{netip.MustParsePrefix("169.254.0.0/16"), "a link-local"}, // where clouds serve credentials
	{netip.MustParsePrefix("172.16.0.0/12"), "a private"},
	{netip.MustParsePrefix("192.0.0.0/24"), "a reserved"},
	{netip.MustParsePrefix("192.0.2.0/24"), "a documentation"},
	{netip.MustParsePrefix("192.88.99.0/24"), "a reserved"}, // 6to4 relays, RFC 7526
	{netip.MustParsePrefix("192.168.0.0/16"), "a private"},
	{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking"},
	{netip.MustParsePrefix("198.51.100.0/24"), "a documentation"},
	{netip.MustParsePrefix("203.0.113.0/24"), "a documentation"},
	{netip.MustParsePrefix("224.0.0.0/4"), "a multicast"},
	{netip.MustParsePrefix("240.0.0.0/4"), "a reserved"},

	{netip.MustParsePrefix("::/128"), "an unspecified"},
	{netip.MustParsePrefix("::1/128"), "a loopback"},
	{netip.MustParsePrefix("2001::/23"), "a reserved"}, // Teredo, ORCHID and others
	{netip.MustParsePrefix("2001:db8::/32"), "a documentation"},
	{netip.MustParsePrefix("3fff::/20"), "a documentation"},
	{netip.MustParsePrefix("fc00::/7"), "a private"},
	{netip.MustParsePrefix("fe80::/10"), "a link-local"},
	{netip.MustParsePrefix("ff00::/8"), "a multicast"},
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052
	sixToFour     = netip.MustParsePrefix("2002::/16")    // RFC 3056
)

// Public reports whether addr is a public unicast address. An address that embeds an IPv4 address (IPv4-mapped, NAT64,
// 6to4) is public if that one is.
func Public(addr netip.Addr) bool { return kindOf(addr) == "" }

// kindOf returns the kind of a non-public address with its article, or "" for a public one.
func kindOf(addr netip.Addr) string {
	if !addr.IsValid() {
		return "an invalid"
	}
	addr = addr.WithZone("").Unmap()
	for _, b := range blocks {
		if b.prefix.Contains(addr) {
			return b.kind
		}
	}
	if addr.Is4() {
		return ""
	}
	switch raw := addr.As16(); {
	case nat64.Contains(addr):
		return kindOf(netip.AddrFrom4([4]byte(raw[12:])))
	case sixToFour.Contains(addr):
		return kindOf(netip.AddrFrom4([4]byte(raw[2:6])))
	case !globalUnicast.Contains(addr):
		return "a reserved"
	}
	return ""
}
