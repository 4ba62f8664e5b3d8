package outgoing

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// plainHeaders may be sent to another host.
var plainHeaders = []string{"Accept", "Accept-Encoding", "Accept-Language", "User-Agent"}

// checkRedirect decides whether to follow a redirect. Its address is checked when dialled, like every other.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first, last := via[0], via[len(via)-1]
	req.Header.Del("Referer") // it would contain the URL
	switch {
	case len(via) > maxRedirects:
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	case req.URL.Scheme != "http" && req.URL.Scheme != "https":
		return errors.New("it redirects to something other than http and https")
	case last.URL.Scheme == "https" && req.URL.Scheme != "https":
		return errors.New("it redirects from https to http, which is not encrypted")
	case hasBody(first) && !hasBody(req):
		return fmt.Errorf("it redirects to %s and drops the request body; configure the address it redirects to", req.URL.Host)
	}
	if !slices.ContainsFunc(append(via[1:len(via):len(via)], req), func(r *http.Request) bool { return origin(r.URL) != origin(first.URL) }) {
		return nil
	}
	if hasBody(req) {
		return fmt.Errorf("it redirects to another host, %s, which does not get the request body; configure that address if intended", req.URL.Host)
	}
	for name := range req.Header {
		if !slices.Contains(plainHeaders, http.CanonicalHeaderKey(name)) {
			req.Header.Del(name)
		}
	}
	return nil
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// origin is the host and port that a redirect must keep to receive body and headers. A change from http to https at the
// standard ports keeps it.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		port = "standard"
	}
	return strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")) + ":" + port
}
