package env

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Proxy is the way out for requests over http and https. The names in lower case count, too, as for other programs.
type Proxy struct {
	// HTTPS and HTTP are secret because they may carry a password.
	HTTPS Secret `env:"HTTPS_PROXY" want:"the URL of a proxy such as http://proxy.internal:3128, with user:password@ before the host if it asks for them" about:"Proxy for alerts, pings, traces and app.HTTP to https:// URLs, such as http://user:password@proxy.internal:3128 (also https://, socks5://, socks5h://). Mail (SMTP_URL) takes no proxy."`
	HTTP  Secret `env:"HTTP_PROXY" want:"the URL of a proxy such as http://proxy.internal:3128, with user:password@ before the host if it asks for them" about:"The same for http:// URLs."`
	// Except is as net/http takes it.
	Except string `env:"NO_PROXY" want:"names, .domains, IP addresses or ranges with commas between, or *" about:"What is called without a proxy, with commas between: names, .domains, addresses, ranges; * is all. Loopback always is."`
	// CGI says that a client may have chosen HTTP_PROXY: it is the header Proxy of a request to a CGI program.
	CGI bool `env:"-"`
}

var proxyNames = []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}

// upperCase gives the variables of proxies in one source one spelling. The upper case wins, as in net/http.
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

// isProxy accepts what net/http makes use of; a host and port alone are an http:// proxy.
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
