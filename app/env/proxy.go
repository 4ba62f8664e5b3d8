package env

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Proxy holds the proxies for http and https requests. Names in lower case are read too, as in other programs.
type Proxy struct {
	// HTTPS and HTTP are secret because they may carry a password.
	HTTPS Secret `env:"HTTPS_PROXY" want:"the URL of a proxy such as http://proxy.internal:3128, with user:password@ before the host if required" about:"Proxy for alerts, pings, traces and app.HTTP to https:// URLs, such as http://user:password@proxy.internal:3128 (also https://, socks5://, socks5h://). Mail (SMTP_URL) uses no proxy."`
	HTTP  Secret `env:"HTTP_PROXY" want:"the URL of a proxy such as http://proxy.internal:3128, with user:password@ before the host if required" about:"The same for http:// URLs."`
	// Except has the syntax of net/http.
	Except string `env:"NO_PROXY" want:"names, .domains, IP addresses or ranges separated by commas, or *" about:"Targets called without a proxy, separated by commas: names, .domains, addresses, ranges; * is all. Loopback is always included."`
	// CGI means that a client may have set HTTP_PROXY: in a CGI program it is the request's Proxy header.
	CGI bool `env:"-"`
}

var proxyNames = []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}

// upperCase renames proxy variables in lower case. If both are set, upper case wins, as in net/http.
func upperCase(source map[string]string) {
	for _, name := range proxyNames {
		if lower := source[strings.ToLower(name)]; lower != "" && strings.TrimSpace(source[name]) == "" {
			source[name] = lower
		}
	}
}

func (k *checker) proxies(p *Proxy) {
	p.CGI = k.raw["REQUEST_METHOD"] != ""
	const what = "not the URL of a proxy"
	k.refuse(p.HTTPS.IsSet() && !isProxy(p.HTTPS.Reveal()), "HTTPS_PROXY", what, "")
	k.refuse(p.HTTP.IsSet() && !isProxy(p.HTTP.Reveal()), "HTTP_PROXY", what, "")
}

// isProxy accepts what net/http accepts. A host and port alone mean http://.
func isProxy(text string) bool {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || !isHost(u.Hostname()) || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		return false
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" || err == nil && port > 0
}
