package outgoing_test

import (
	"net/netip"
	"testing"

	"fibercrons/app/outgoing"
)

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "93.184.216.34": true, "172.15.255.255": true, "172.32.0.0": true,
		"100.63.255.255": true, "100.128.0.0": true, "192.0.1.0": true, "198.17.255.255": true, "198.20.0.0": true,
		"223.255.255.255": true, "169.253.255.255": true, "11.0.0.0": true, "126.255.255.255": true, "128.0.0.0": true,

		"0.0.0.0": false, "0.1.2.3": false, "10.0.0.0": false, "10.255.255.255": false, "127.0.0.1": false, "127.255.255.255": false,
		"169.254.169.254": false, "172.16.0.0": false, "172.31.255.255": false, "192.168.0.1": false, "100.64.0.0": false,
		"100.127.255.255": false, "192.0.0.1": false, "192.0.2.1": false, "192.88.99.1": false, "198.18.0.0": false, "198.19.255.255": false,
		"198.51.100.7": false, "203.0.113.7": false, "224.0.0.1": false, "239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,

		"2606:4700:4700::1111": true, "2a00:1450:4001:81b::200e": true, "2001:4860:4860::8888": true, "2001:200::": true,
		"2620:4f:8000::1": true,

		"::": false, "::1": false, "::2": false, "::7f00:1": false, "fc00::1": false, "fd12:3456::1": false, "fe80::1": false, "fe80::1%eth0": false,
		"fec0::1": false, "ff02::1": false, "2001:db8::1": false, "3fff::1": false, "3fff:fff:ffff::": false, "3fff:1000::": true,
		"2001::1": false, "2001:20::1": false, "2001:1ff:ffff::": false, "100::1": false, "5f00::1": false, "4000::1": false, "1fff:ffff::": false,

		"::ffff:8.8.8.8": true, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "::ffff:169.254.169.254": false,
		"64:ff9b::808:808": true, "64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::a00:1": false, "64:ff9b:1::808:808": false,
		"2002:808:808::1": true, "2002:7f00:1::": false, "2002:a00:1::1": false, "2002:c0a8:101::1": false, "2002:a9fe:a9fe::": false,
	} {
		if got := outgoing.Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: public is %v, want %v", addr, got, want)
		}
	}
	if outgoing.Public(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}

// public4 and public16 are the rule again, byte by byte as the RFCs tell it, without a table.
func public4(b [4]byte) bool {
	switch {
	case b[0] == 0, b[0] == 10, b[0] == 127, b[0] >= 224: // RFC 1122, 1918, 5771, 1112
		return false
	case b[0] == 100 && b[1]&0xc0 == 64: // RFC 6598
		return false
	case b[0] == 169 && b[1] == 254: // RFC 3927
		return false
	case b[0] == 172 && b[1]>>4 == 1: // RFC 1918
		return false
	case b[0] == 192 && b[1] == 168:
		return false
	case b[0] == 192 && b[1] == 0 && (b[2] == 0 || b[2] == 2): // RFC 6890, 5737
		return false
	case b[0] == 192 && b[1] == 88 && b[2] == 99: // RFC 7526
		return false
	case b[0] == 198 && b[1]&0xfe == 18: // RFC 2544
		return false
	case b[0] == 198 && b[1] == 51 && b[2] == 100, b[0] == 203 && b[1] == 0 && b[2] == 113: // RFC 5737
		return false
	}
	return true
}

func public16(b [16]byte) bool {
	zero := func(from, to int) bool {
		for _, x := range b[from:to] {
			if x != 0 {
				return false
			}
		}
		return true
	}
	switch {
	case zero(0, 10) && b[10] == 0xff && b[11] == 0xff: // IPv4-mapped
		return public4([4]byte(b[12:]))
	case b[0] == 0 && b[1] == 0x64 && b[2] == 0xff && b[3] == 0x9b && zero(4, 12): // NAT64
		return public4([4]byte(b[12:]))
	case b[0]>>5 != 1: // not 2000::/3
		return false
	case b[0] == 0x20 && b[1] == 0x02: // 6to4
		return public4([4]byte(b[2:6]))
	case b[0] == 0x20 && b[1] == 0x01 && b[2] < 2: // 2001::/23
		return false
	case b[0] == 0x20 && b[1] == 0x01 && b[2] == 0x0d && b[3] == 0xb8:
		return false
	case b[0] == 0x3f && b[1] == 0xff && b[2]>>4 == 0: // 3fff::/20
		return false
	}
	return true
}

// Every /16 of IPv4, and every one of its last bytes where a rule is finer than that.
func TestPublicAgainstAReference(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			for _, c := range []byte{0, 1, 2, 3, 99, 100, 113, 255} {
				four := [4]byte{byte(a), byte(b), c, 9}
				want := public4(four)
				if got := outgoing.Public(netip.AddrFrom4(four)); got != want {
					t.Fatalf("%v: public is %v, want %v", netip.AddrFrom4(four), got, want)
				}
			}
		}
	}
}

func FuzzPublic(f *testing.F) {
	for _, seed := range []string{"127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1", "3fff:fff::1", "fe80::1", "2606:4700::1111", "2001:1ff::"} {
		raw := netip.MustParseAddr(seed).As16()
		f.Add(raw[:])
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		switch len(raw) {
		case 4:
			if addr := netip.AddrFrom4([4]byte(raw)); outgoing.Public(addr) != public4([4]byte(raw)) {
				t.Errorf("%s: public is %v", addr, outgoing.Public(addr))
			}
		case 16:
			if addr := netip.AddrFrom16([16]byte(raw)); outgoing.Public(addr) != public16([16]byte(raw)) {
				t.Errorf("%s: public is %v", addr, outgoing.Public(addr))
			}
		}
	})
}
