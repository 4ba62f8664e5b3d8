package outgoing_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fibercrons/app/outgoing"
)

// proxy is a proxy on loopback that leads every name to the same two servers. It tells what it was asked for.
func proxy(t *testing.T, plain, secure string) (url string, asked chan string) {
	t.Helper()
	asked = make(chan string, 10)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("Proxy-Authorization")
		to := plain
		if r.Method == http.MethodConnect {
			to = secure
		}
		if r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		there, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = there.Close() }()
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = here.Close() }()
		if r.Method == http.MethodConnect {
			_, err = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		} else {
			r.Close = true
			err = r.Write(there)
		}
		if err != nil {
			t.Error(err)
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(there, here)
			_ = there.Close()
		}()
		_, _ = io.Copy(here, there)
		_ = here.Close()
		<-done
	}))
	t.Cleanup(s.Close)
	return s.URL, asked
}

func TestProxy(t *testing.T) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) })
	plain := httptest.NewServer(answer)
	defer plain.Close()
	url, asked := proxy(t, plain.Listener.Addr().String(), secure.Listener.Addr().String())
	with := strings.Replace(url, "http://", "http://me:hunter2@", 1)
	const user = " Basic bWU6aHVudGVyMg=="
	for _, test := range []struct {
		name   string
		target string
		proxy  outgoing.Proxy
		allow  []string
		asked  string // empty: the proxy is not asked
		fail   string // of the error; empty: none
	}{
		{"https", "https://example.com/x", outgoing.Proxy{HTTPS: with}, nil, "CONNECT example.com:443" + user, ""},
		{"http", "http://example.com/x", outgoing.Proxy{HTTP: with}, nil, "GET http://example.com/x" + user, ""},
		{"no scheme", "http://example.com/x", outgoing.Proxy{HTTP: strings.TrimPrefix(with, "http://")}, nil, "GET http://example.com/x" + user, ""},
		{"no password", "http://example.com/x", outgoing.Proxy{HTTP: url}, nil, "GET http://example.com/x ", "rejected user or password"},
		{"no password, https", "https://example.com/x", outgoing.Proxy{HTTPS: url}, nil, "CONNECT example.com:443 ", "Proxy Authentication Required"},
		{"the other scheme", "http://127.0.0.1:1/", outgoing.Proxy{HTTPS: with}, nil, "", "a loopback address"},
		{"excepted", "http://10.0.0.7:1/", outgoing.Proxy{HTTP: with, Except: "10.0.0.0/8"}, nil, "", "a private address"},
		{"an address", "http://169.254.169.254/", outgoing.Proxy{HTTP: with}, nil, "", "a link-local address"},
		{"an address that is allowed", "http://10.0.0.7/x", outgoing.Proxy{HTTP: with}, []string{"10.0.0.0/8"}, "GET http://10.0.0.7/x" + user, ""},
		{"an address in brackets", "https://[::ffff:10.0.0.7]/", outgoing.Proxy{HTTPS: with}, nil, "", "a private address"},
		{"full-width digits", "http://１０.0.0.7/", outgoing.Proxy{HTTP: with}, nil, "", "a private address"},
		{"a short address", "http://127.1/", outgoing.Proxy{HTTP: with}, nil, "", "an invalid address"},
		{"a number", "http://0x7f000001/", outgoing.Proxy{HTTP: with}, nil, "", "an invalid address"},
		{"localhost with a dot", "http://localhost./", outgoing.Proxy{HTTP: with}, nil, "", "a loopback address"},
		{"below localhost", "http://a.localhost/", outgoing.Proxy{HTTP: with}, nil, "", "a loopback address"},
		{"the proxy itself", url + "/", outgoing.Proxy{HTTP: with}, nil, "", "a loopback address"},
		{"a CGI program", "http://example.com/", outgoing.Proxy{HTTP: with, CGI: true}, nil, "", "CGI"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := outgoing.Client(outgoing.Options{Proxy: test.proxy, Allow: test.allow, Timeout: time.Minute})
			defer c.CloseIdleConnections()
			got, err := do(t, c, "GET", test.target, "")
			if (err != nil) != (test.fail != "") || err != nil && !strings.Contains(err.Error(), test.fail) {
				t.Errorf("got %v, want %q", err, test.fail)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells the password: %v", err)
			}
			if err == nil && !strings.Contains(test.target, string(got.Body)) {
				t.Errorf("answered by %q", got.Body)
			}
			select {
			case what := <-asked:
				if what != test.asked {
					t.Errorf("the proxy was asked %q, want %q", what, test.asked)
				}
			default:
				if test.asked != "" {
					t.Error("the proxy was not asked")
				}
			}
		})
	}
}

// A proxy that is away is named, and its password is not.
func TestProxyIsAway(t *testing.T) {
	c := outgoing.Client(outgoing.Options{Proxy: outgoing.Proxy{HTTPS: "http://me:hunter2@127.0.0.1:1"}, Timeout: time.Minute})
	_, err := do(t, c, "GET", "https://example.com/secret-path", "")
	if err == nil || !strings.Contains(err.Error(), "through the proxy 127.0.0.1:1") || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "secret-path") {
		t.Errorf("got %v", err)
	}
	if errors.As(err, new(*outgoing.RefusedError)) {
		t.Errorf("the proxy's own address was looked at: %v", err)
	}
}
