package outgoing

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/idna"
)

// Proxy says which requests use a proxy, with the rules of net/http for HTTPS_PROXY, HTTP_PROXY and NO_PROXY. The zero
// value is none. Requests to localhost and loopback addresses never use one.
type Proxy struct {
	// HTTPS and HTTP are the URLs of the proxies for requests to https and http URLs. They may hold a password.
	HTTPS, HTTP string
	// Except lists what is called directly, separated by commas: names, .domains, addresses, ranges.
	Except string
	// CGI means that this is a CGI program, where a client can set HTTP_PROXY: requests to http URLs then fail.
	CGI bool
}

// Func returns a function for http.Transport.Proxy, or nil if there is no proxy.
func (p Proxy) Func() func(*http.Request) (*url.URL, error) {
	if p.HTTPS == "" && p.HTTP == "" {
		return nil
	}
	c := httpproxy.Config{HTTPSProxy: p.HTTPS, HTTPProxy: p.HTTP, NoProxy: p.Except, CGI: p.CGI}
	choose := c.ProxyFunc()
	return func(req *http.Request) (*url.URL, error) { return choose(req.URL) }
}

// throughProxy sends proxied requests through a transport that may dial any address, and all others through the
// transport that checks addresses.
type throughProxy struct {
	choose  func(*http.Request) (*url.URL, error)
	options Options
	allow   allowed
	proxied *http.Transport
	direct  *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (t *throughProxy) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := t.choose(req)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return t.direct.RoundTrip(req)
	}
	for _, host := range []string{req.URL.Host, req.Host} { // the proxy may receive either
		if err := t.check(req.URL.Scheme, host); err != nil {
			return nil, err
		}
	}
	resp, err := t.proxied.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("through the proxy %s: %w", proxy.Host, err)
	}
	if resp.StatusCode == http.StatusProxyAuthRequired {
		_ = resp.Body.Close()
		return nil, fmt.Errorf("the proxy %s rejected user or password; correct them in the URL in HTTPS_PROXY or HTTP_PROXY", proxy.Host)
	}
	return resp, nil
}

// CloseIdleConnections implements http.Client.CloseIdleConnections.
func (t *throughProxy) CloseIdleConnections() {
	t.direct.CloseIdleConnections()
	t.proxied.CloseIdleConnections()
}

// numeric matches the end of names that resolvers such as getaddrinfo parse as addresses: 127.1, 0x7f000001.
var numeric = regexp.MustCompile(`(^|\.)(0x[0-9a-f]*|[0-9]+)$`)

// check refuses hosts that are evidently not public. The proxy resolves names.
func (t *throughProxy) check(scheme, hostport string) error {
	if hostport == "" {
		return nil
	}
	u := url.URL{Host: hostport}
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	plain := host
	if ascii, err := idna.Lookup.ToASCII(host); err == nil { // as in net/http: full-width digits become digits
		plain = ascii
	}
	plain = canonical(plain)
	if t.allow.name(host, port) || t.allow.name(plain, port) {
		return nil
	}
	kind := ""
	if addr, err := netip.ParseAddr(plain); err == nil {
		at, bad := netip.ParseAddrPort(net.JoinHostPort(addr.String(), port))
		if kind = kindOf(addr); bad == nil && t.allow.address(at) {
			kind = ""
		}
	} else if plain == "localhost" || strings.HasSuffix(plain, ".localhost") {
		kind = "a loopback"
	} else if numeric.MatchString(plain) {
		kind = "an invalid"
	}
	if kind == "" {
		return nil
	}
	return &RefusedError{Host: host, Address: plain, Kind: kind, Variable: t.options.Variable}
}
