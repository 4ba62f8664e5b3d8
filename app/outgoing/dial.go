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

// Options say what may be reached, and how long it may take.
type Options struct {
	// Allow lists what may be reached though it is not public; see the package comment. Optional.
	Allow []string
	// Proxy is the way of [Client] to what Proxy does not except. Optional. Default: none.
	Proxy Proxy
	// Timeout bounds a whole exchange of [Client], and the dialing of [DialContext]. Optional.
	// Default: 5 s.
	Timeout time.Duration
	// MaxBody is how many bytes of an answer are read at most, unpacked. Optional. Default: 64 KiB.
	MaxBody int64
	// Variable is what errors tell to add a host to. Optional. Default: ALERT_ALLOWED_HOSTS.
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

// RefusedError says that a host was not dialled, since its address is not public.
type RefusedError struct {
	Host     string // as it was asked for
	Address  string // what it resolved to
	Kind     string // of address, with its article: "a private"
	Variable string // that allows it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s is at %s, %s address, which is not called unless it is allowed; if it is meant, add %s to %s", e.Host, e.Address, e.Kind, e.Host, e.Variable)
}

// DialContext returns a function that dials as net.Dialer.DialContext does, over TCP only and only
// to what may be reached. It is for protocols other than HTTP; deadlines of the connection are the
// caller's to set.
func DialContext(o Options) func(ctx context.Context, network, address string) (net.Conn, error) {
	o = o.withDefaults()
	allow := parseAllowed(o.Allow)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasPrefix(network, "tcp") {
			return nil, fmt.Errorf("dial over %s: only TCP leads out", network)
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

// control is called with each address that is about to be connected to.
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
