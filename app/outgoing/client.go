package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxRedirects is the maximum number of redirects of one request.
const maxRedirects = 3

// Client returns a client that calls only public and allowed addresses; see the package comment. Its errors contain
// URLs: use [Do], or pass them through [Clean].
func Client(o Options) *http.Client {
	o = o.withDefaults()
	direct := &http.Transport{
		Proxy:                  nil, // not even the environment's
		DialContext:            DialContext(o),
		TLSHandshakeTimeout:    o.Timeout,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
	}
	var next roundTripper = direct
	if choose := o.Proxy.Func(); choose != nil {
		proxied := direct.Clone()
		proxied.Proxy, proxied.DialContext = choose, (&net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver}).DialContext
		next = &throughProxy{choose: choose, options: o, allow: parseAllowed(o.Allow), proxied: proxied, direct: direct}
	}
	return &http.Client{Timeout: o.Timeout, CheckRedirect: checkRedirect, Transport: &transport{maxBody: o.MaxBody, next: next}}
}

type roundTripper interface {
	http.RoundTripper
	CloseIdleConnections()
}

// transport limits the size of responses.
type transport struct {
	next    roundTripper
	maxBody int64
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if where := resp.Header.Get("Location"); where != "" {
		if _, err := url.Parse(where); err != nil { // http.Client would repeat it in its error
			_ = resp.Body.Close()
			return nil, errors.New("it redirects to something that is not a URL")
		}
	}
	resp.Body = &capped{ReadCloser: resp.Body, left: t.maxBody}
	return resp, nil
}

// CloseIdleConnections implements http.Client.CloseIdleConnections.
func (t *transport) CloseIdleConnections() { t.next.CloseIdleConnections() }

// errCapped ends a response above the limit.
var errCapped = errors.New("the response exceeds the size limit")

// capped is a body with a size limit.
type capped struct {
	io.ReadCloser
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		var one [1]byte
		n, err := c.ReadCloser.Read(one[:])
		if n > 0 {
			return 0, errCapped
		}
		return 0, err
	}
	if int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.ReadCloser.Read(p)
	c.left -= int64(n)
	return n, err
}

// Body reads and closes a response. If it is longer than [Options].MaxBody, Body returns the beginning, without an
// error.
func Body(resp *http.Response) ([]byte, error) {
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if errors.Is(err, errCapped) {
		err = nil
	}
	return text, err
}

// Answer is a response.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // at most [Options].MaxBody of it
}

// Do sends req with a client made by [Client] and reads the response. Errors name the host.
func Do(client *http.Client, req *http.Request) (Answer, error) {
	resp, err := client.Do(req)
	if err != nil {
		return Answer{}, Clean(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := Body(resp)
	if err != nil {
		return Answer{}, Clean(&url.Error{Op: req.Method, URL: req.URL.String(), Err: err})
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// Clean replaces the URL in an error of http.Client by its host. errors.As still finds the cause, but not the
// *url.Error.
func Clean(err error) error {
	var outer *url.Error
	if !errors.As(err, &outer) {
		return err
	}
	host, secrets := "the address", []string{outer.URL}
	if u, bad := url.Parse(outer.URL); bad == nil {
		if u.Host != "" {
			host = u.Host
		}
		secrets = []string{u.Path, u.EscapedPath(), u.RawQuery, u.User.Username()}
	}
	inner := outer.Err
	var refused *RefusedError
	switch {
	case errors.As(inner, &refused) && strings.HasPrefix(host, refused.Host):
		return refused
	case errors.As(inner, &refused): // after a redirect
		return fmt.Errorf("call %s: %w", host, refused)
	case outer.Timeout() && !errors.Is(inner, context.Canceled):
		return fmt.Errorf("call %s: no response in time: %w", host, context.DeadlineExceeded)
	}
	for _, secret := range secrets {
		if len(secret) > 1 && strings.Contains(inner.Error(), secret) {
			return fmt.Errorf("call %s: the request failed", host)
		}
	}
	return fmt.Errorf("call %s: %w", host, inner)
}
