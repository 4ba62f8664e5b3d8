package outgoing_test

import (
	"bytes"
	"compress/gzip"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/outgoing"
)

// serve returns a server on loopback and the entry that allows it.
func serve(t *testing.T, handler http.HandlerFunc) (url, entry string) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL, strings.TrimPrefix(s.URL, "http://")
}

// client is patient, since the machine may be busy.
func client(t *testing.T, allow ...string) *http.Client {
	t.Helper()
	c := outgoing.Client(outgoing.Options{Allow: allow, Timeout: time.Minute})
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func do(t *testing.T, c *http.Client, method, url, body string, headers ...string) (outgoing.Answer, error) {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return outgoing.Do(c, req)
}

func TestClient(t *testing.T) {
	url, entry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		_, _ = fmt.Fprintf(w, "%s %s %s", r.Method, r.Header.Get("X-Key"), body)
	})
	got, err := do(t, client(t, entry), "POST", url+"/hook", "hello", "X-Key: k")
	if err != nil || got.Status != 202 || string(got.Body) != "POST k hello" {
		t.Errorf("got %d %q (%v)", got.Status, got.Body, err)
	}
}

func TestErrorsNameTheHostAlone(t *testing.T) {
	url, entry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hunter2/location":
			w.Header().Set("Location", "http://x/%zz/hunter2")
			w.WriteHeader(http.StatusFound)
		case "/hunter2/short":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("hunter2"))
		case "/hunter2/noise":
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte("/hunter2/noise\r\n\r\n"))
				_ = conn.Close()
			}
		}
	})
	host := strings.TrimPrefix(url, "http://")
	for _, test := range []struct {
		name, path string
		allow      []string
	}{
		{"refused", "/hunter2?key=hunter2", nil},
		{"a location that is none", "/hunter2/location?key=hunter2", []string{entry}},
		{"an answer cut short", "/hunter2/short?key=hunter2", []string{entry}},
		{"an answer that is not HTTP", "/hunter2/noise?key=hunter2", []string{entry}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := do(t, client(t, test.allow...), "POST", strings.Replace(url, "http://", "http://hunter2:hunter2@", 1)+test.path, "x")
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), strings.Split(host, ":")[0]) {
				t.Errorf("got %v", err)
			}
		})
	}
	_, err := do(t, client(t), "GET", url+"/hunter2", "")
	want := "127.0.0.1 is at 127.0.0.1, a loopback address, which is not public; to allow it, add 127.0.0.1 to ALERT_ALLOWED_HOSTS"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestTheWholeExchangeEndsInTime(t *testing.T) {
	release := make(chan struct{})
	url, entry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trickle" {
			_, _ = w.Write([]byte("a beginning"))
			_ = http.NewResponseController(w).Flush()
		}
		<-release
	})
	defer close(release)
	for _, path := range []string{"/silent", "/trickle"} {
		c := outgoing.Client(outgoing.Options{Allow: []string{entry}, Timeout: 200 * time.Millisecond})
		_, err := do(t, c, "GET", url+path, "")
		if err == nil || !strings.HasSuffix(err.Error(), "no response in time: context deadline exceeded") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestAnswersAreCapped(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 1<<20)
	url, entry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/packed":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(big)
			_ = z.Close()
		case "/exact":
			_, _ = w.Write(big[:64<<10])
		default:
			_, _ = w.Write(big)
		}
	})
	for _, path := range []string{"/plain", "/packed", "/exact"} {
		got, err := do(t, client(t, entry), "GET", url+path, "")
		if err != nil || len(got.Body) != 64<<10 {
			t.Errorf("%s: %d bytes (%v)", path, len(got.Body), err)
		}
	}
	resp, err := client(t, entry).Get(url + "/plain")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(resp.Body); err == nil || len(text) != 64<<10 {
		t.Errorf("whoever reads all of it gets %d bytes and %v", len(text), err)
	}
	_ = resp.Body.Close()
}

// The answer of a hop beyond the rule is not even asked for.
func TestRedirectsToPrivateAddresses(t *testing.T) {
	var reached atomic.Int64
	inside, _ := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	outside, entry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, inside+"/hunter2", http.StatusTemporaryRedirect)
	})
	_, err := do(t, client(t, entry), "GET", outside, "")
	var refused *outgoing.RefusedError
	if !errors.As(err, &refused) || reached.Load() != 0 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, reached %d times", err, reached.Load())
	}
}

func TestRedirects(t *testing.T) {
	var seen http.Header
	other, otherEntry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header.Clone()
		_, _ = w.Write([]byte("other " + r.Method))
	})
	home, homeEntry := serve(t, func(w http.ResponseWriter, r *http.Request) {
		left := strings.TrimPrefix(r.URL.Path, "/")
		status := 307
		if strings.HasPrefix(left, "see") {
			left, status = left[3:], 303
		}
		switch left {
		case "":
			body, _ := io.ReadAll(r.Body)
			seen = r.Header.Clone()
			_, _ = w.Write([]byte("home " + r.Method + " " + string(body)))
		case "other":
			http.Redirect(w, r, other, status)
		default:
			http.Redirect(w, r, "/"+left[1:], status)
		}
	})
	for _, test := range []struct{ name, method, path, want, fail string }{
		{"three", "GET", "/aaa?s=hunter2", "home GET ", ""},
		{"four", "GET", "/aaaa", "", "it redirects more than 3 times"},
		{"with a body", "POST", "/a", "home POST hello", ""},
		{"that drops the body", "POST", "/seea", "", "drops the request body"},
		{"elsewhere", "GET", "/other?s=hunter2", "other GET", ""},
		{"elsewhere with a body", "POST", "/other", "", "does not get the request body"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := ""
			if test.method == "POST" {
				body = "hello"
			}
			seen = nil
			got, err := do(t, client(t, homeEntry, otherEntry), test.method, home+test.path, body, "X-Signature: hunter2", "Authorization: hunter2")
			if test.fail != "" {
				if err == nil || !strings.Contains(err.Error(), test.fail) {
					t.Errorf("got %q, %v", got.Body, err)
				}
				return
			}
			if err != nil || string(got.Body) != test.want {
				t.Errorf("got %q, %v", got.Body, err)
			}
			elsewhere := strings.HasPrefix(test.want, "other")
			if has := seen.Get("X-Signature") != "" && seen.Get("Authorization") != ""; has == elsewhere {
				t.Errorf("the headers there are %v", seen)
			}
			if elsewhere && strings.Contains(fmt.Sprint(seen), "hunter2") || seen.Get("Referer") != "" {
				t.Errorf("the headers there are %v", seen)
			}
		})
	}
}

func TestRedirectsKeepTheirScheme(t *testing.T) {
	check := client(t).CheckRedirect
	request := func(url string) *http.Request {
		return httptest.NewRequestWithContext(t.Context(), "GET", url, http.NoBody)
	}
	for _, test := range []struct {
		from, to string
		ok       bool
	}{
		{"https://a.example/x", "https://a.example/y", true},
		{"http://a.example/x", "https://a.example/y", true},
		{"https://a.example/x", "http://a.example/y", false},
		{"https://a.example/x", "ftp://a.example/y", false},
	} {
		if err := check(request(test.to), []*http.Request{request(test.from)}); (err == nil) != test.ok {
			t.Errorf("%s to %s: %v", test.from, test.to, err)
		}
	}
	for url, kept := range map[string]bool{"https://A.example.:443/y": true, "https://a.example:8443/y": false, "https://b.example/": false, "https://x.a.example/": false} {
		to := request(url)
		to.Header.Set("X-Signature", "s")
		if err := check(to, []*http.Request{request("http://a.example/x")}); err != nil || (to.Header.Get("X-Signature") != "") != kept {
			t.Errorf("%s: headers %v (%v)", url, to.Header, err)
		}
	}
}

// proxied counts what reached the proxy that the environment of all these tests names. net/http
// reads that once in the life of a process, so it is there from the beginning.
var proxied atomic.Int64

var secure *httptest.Server

func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	for _, name := range []string{"HTTP_PROXY", "http_proxy"} {
		if err := os.Setenv(name, proxy.URL); err != nil {
			panic(err)
		}
	}
	// Clients believe its certificate, which is that of example.com.
	secure = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host) }))
	file, err := os.CreateTemp("", "*.pem")
	if err == nil {
		err = errors.Join(pem.Encode(file, &pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), file.Close(), os.Setenv("SSL_CERT_FILE", file.Name()))
	}
	if err != nil {
		panic(err)
	}
	status := m.Run()
	proxy.Close()
	secure.Close()
	_ = os.Remove(file.Name())
	os.Exit(status)
}

// The environment is read by package env alone.
func TestNoProxy(t *testing.T) {
	c := outgoing.Client(outgoing.Options{Allow: []string{"127.0.0.0/8"}, Resolver: resolver(t, "127.0.0.1"), Timeout: time.Minute})
	_, err := do(t, c, "GET", "http://hooks.example:1/", "")
	if err == nil || proxied.Load() != 0 {
		t.Errorf("the proxy was asked %d times (%v)", proxied.Load(), err)
	}
}
