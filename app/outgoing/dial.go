package outgoing

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// Options say which targets are allowed, and set limits.
type Options struct {
	// Allow lists non-public targets to allow; see the package comment. Optional.
	Allow []string
	// Proxy is the proxy of [Client]. Optional. Default: none.
	Proxy Proxy
	// Timeout limits a whole request of [Client], and the dialing of [DialContext]. Optional. Default: 5 s.
	Timeout time.Duration
	// MaxBody limits a response, in bytes after decompression. Optional. Default: 64 KiB.
	MaxBody int64
	// Variable is the setting that errors suggest for allowing a host. Optional. Default: ALERT_ALLOWED_HOSTS.
	Variable string
	// Resolver resolves names. Optional. Default: net.DefaultResolver.
	Resolver *net.Resolver
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.MaxBody = cmp.Or(o.MaxBody, 64<<10)
	o.Variable = cmp.Or(o.Variable, "ALERT_ALLOWED_HOSTS")
	return o
}

// RefusedError is returned for a host whose address is not public.
type RefusedError struct {
	Host     string // as requested
	Address  string // what it resolved to
	Kind     string // of address, with its article: "a private"
	Variable string // the setting that can allow it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is at %s, %s address, which is not public; to allow it, add %s to %s", e.Host, e.Address, e.Kind, e.Host, e.Variable)
}

// DialContext returns a function like net.Dialer.DialContext for other protocols than HTTP, over TCP only, which
// applies the same rules. The caller sets the connection's deadlines.
func DialContext(o Options) func(ctx context.Context, network, address string) (net.Conn, error) {
	o = o.withDefaults()
	allow := parseAllowed(o.Allow)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasPrefix(network, "tcp") {
			return nil, fmt.Errorf("dial over %s: only TCP is allowed", network)
		}
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		dialer := net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver}
		if !allow.name(host, port) {
			dialer.Control = o.control(allow, host)
		}
		return dialer.DialContext(ctx, network, address)
	}
}

// control checks each address just before connecting.
func (o Options) control(allow allowed, host string) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("an address that cannot be read: %w", err)
		}
		kind := kindOf(at.Addr())
		if kind == "" || allow.address(at) {
			return nil
		}
		return &RefusedError{Host: host, Address: at.Addr().String(), Kind: kind, Variable: o.Variable}
	}
}
