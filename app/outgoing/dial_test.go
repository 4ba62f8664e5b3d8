package outgoing_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/outgoing"
)

// listen accepts connections on loopback, counts them and greets each.
func listen(t *testing.T) (addr string, accepted *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			_, _ = conn.Write([]byte("220 hello\r\n"))
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String(), accepted
}

func TestDialContext(t *testing.T) {
	addr, accepted := listen(t)
	_, port, _ := net.SplitHostPort(addr)
	names := resolver(t, "127.0.0.1")
	for _, test := range []struct {
		name, dial string
		allow      []string
		ok         bool
	}{
		{"loopback", addr, nil, false},
		{"loopback by name", "localhost:" + port, nil, false},
		{"a public name at a private address", "hooks.example:" + port, nil, false},
		{"mapped", "[::ffff:127.0.0.1]:" + port, nil, false},
		{"by address", addr, []string{"127.0.0.1"}, true},
		{"by address and port", addr, []string{addr}, true},
		{"by another port", addr, []string{"127.0.0.1:1"}, false},
		{"by range", addr, []string{"10.0.0.0/8", "127.0.0.0/8"}, true},
		{"by a range not masked", addr, []string{"127.9.9.9/8"}, true},
		{"by a mapped range", addr, []string{"::ffff:127.0.0.0/104"}, true},
		{"by another range", addr, []string{"10.0.0.0/8"}, false},
		{"by a mapped address", addr, []string{"::ffff:127.0.0.1"}, true},
		{"a name by the range it is in", "hooks.example:" + port, []string{"127.0.0.0/8"}, true},
		{"by name", "hooks.example:" + port, []string{"hooks.example"}, true},
		{"by name in another case", "Hooks.Example.:" + port, []string{" hooks.EXAMPLE. "}, true},
		{"by name and port", "hooks.example:" + port, []string{"hooks.example:" + port}, true},
		{"by name and another port", "hooks.example:" + port, []string{"hooks.example:1"}, false},
		{"by the name above it", "a.hooks.example:" + port, []string{"hooks.example"}, false},
		{"an address by a name for it", addr, []string{"hooks.example"}, false},
		{"entries that are nothing", addr, []string{"", "*", "127.0.0.1/99", "127.0.0.1:", "127.0.0.1:99999", "http://127.0.0.1"}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := accepted.Load()
			dial := outgoing.DialContext(outgoing.Options{Allow: test.allow, Resolver: names, Timeout: time.Minute})
			conn, err := dial(t.Context(), "tcp", test.dial)
			if test.ok {
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(conn)
				if string(text) != "220 hello\r\n" {
					t.Errorf("read %q (%v)", text, err)
				}
				_ = conn.Close()
				return
			}
			if err == nil {
				_ = conn.Close()
			}
			var refused *outgoing.RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("got %v", err)
			}
			if accepted.Load() != before {
				t.Error("a connection was made")
			}
		})
	}
}

func TestOnlyTCP(t *testing.T) {
	dial := outgoing.DialContext(outgoing.Options{Allow: []string{"0.0.0.0/0"}})
	for network, address := range map[string]string{"udp": "127.0.0.1:53", "unix": "/tmp/x:1", "ip4:icmp": "127.0.0.1:0"} {
		if conn, err := dial(t.Context(), network, address); err == nil {
			_ = conn.Close()
			t.Errorf("dialled over %s", network)
		}
	}
}

// A name that was public when somebody looked, and resolves to loopback when it is dialled.
func TestRebinding(t *testing.T) {
	addr, accepted := listen(t)
	_, port, _ := net.SplitHostPort(addr)
	names := resolver(t, "93.184.216.34", "127.0.0.1")
	looked, err := names.LookupNetIP(t.Context(), "ip4", "rebind.example")
	if err != nil || len(looked) != 1 || !outgoing.Public(looked[0]) {
		t.Fatalf("the first look finds %v (%v)", looked, err)
	}
	dial := outgoing.DialContext(outgoing.Options{Resolver: names, Timeout: time.Minute})
	conn, err := dial(t.Context(), "tcp4", "rebind.example:"+port)
	if err == nil {
		_ = conn.Close()
	}
	var refused *outgoing.RefusedError
	if !errors.As(err, &refused) || refused.Host != "rebind.example" || refused.Address != "127.0.0.1" {
		t.Errorf("got %v", err)
	}
	if want := "rebind.example is at 127.0.0.1, a loopback address, which is not public; to allow it, add rebind.example to ALERT_ALLOWED_HOSTS"; err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("it says %v", err)
	}
	if accepted.Load() != 0 {
		t.Error("a connection was made")
	}
}

// resolver answers every question for addresses of IPv4 with one of answers: the first with the
// first, and so on; the last one stays.
func resolver(t *testing.T, answers ...string) *net.Resolver {
	t.Helper()
	var asked atomic.Int64
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			answerDNS(server, func() netip.Addr {
				n := int(asked.Add(1)) - 1
				return netip.MustParseAddr(answers[min(n, len(answers)-1)])
			})
		}()
		return client, nil
	}}
}

// answerDNS answers one question as RFC 1035 has it over TCP: two bytes of length, then the message.
func answerDNS(conn net.Conn, next func() netip.Addr) {
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, query); err != nil {
		return
	}
	end := 12
	for query[end] != 0 {
		end += int(query[end]) + 1
	}
	end += 5 // the root, type and class
	reply := append([]byte{query[0], query[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, query[12:end]...)
	if query[end-3] == 1 { // type A
		four := next().As4()
		reply[7] = 1
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, four[:]...)
	}
	_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...))
}
