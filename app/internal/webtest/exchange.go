package webtest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Header is what a request carries beside its body: "Name: value".
type Header = string

// Headers of many requests.
const (
	AsOperator Header = "Authorization: Bearer " + OperatorToken
	AsViewer   Header = "Authorization: Bearer " + ViewerToken
	JSONBody   Header = "Content-Type: application/json"
	Form       Header = "Content-Type: application/x-www-form-urlencoded"
)

// Answer is a response, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request and holds the answer to openapi.yaml.
func (p *Program) Do(method, path, body string, headers ...Header) Answer {
	p.T.Helper()
	a, err := p.Try(method, path, body, headers...)
	if err != nil {
		p.T.Fatal(err)
	}
	p.checkDescribed(method, path, a)
	return a
}

// Client follows no redirect.
var Client = &http.Client{
	Timeout:       Patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
}

// Try sends a request.
func (p *Program) Try(method, path, body string, headers ...Header) (Answer, error) {
	return Send(method, p.URL()+path, body, headers...)
}

// Send sends a request to any address.
func Send(method, address, body string, headers ...Header) (Answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, address, reader)
	if err != nil {
		return Answer{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := Client.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return Answer{resp.StatusCode, resp.Header, string(text)}, err
}

// Read gets a path as the operator.
func (p *Program) Read(path string, headers ...Header) Answer {
	p.T.Helper()
	return p.Do(http.MethodGet, path, "", append(headers, AsOperator)...)
}

// Write posts JSON as the operator.
func (p *Program) Write(path, body string, headers ...Header) Answer {
	p.T.Helper()
	return p.Do(http.MethodPost, path, body, append(headers, AsOperator, JSONBody)...)
}

// Decode reads the body as JSON.
func Decode[T any](t testing.TB, a Answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	return v
}

// Problem is an error response.
type Problem struct {
	Title, Detail, Instance, Reason string
	Status                          int
	Errors                          []struct{ In, Field, Detail string }
}

// Want fails if the status is another one, or if an error is not a problem (RFC 9457).
func (a Answer) Want(t testing.TB, status int) Answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	if status >= 400 && a.Body != "" {
		if kind := a.Header.Get("Content-Type"); kind != "application/problem+json" {
			t.Fatalf("status %d as %s: %s", status, kind, a.Body)
		}
		p := Decode[Problem](t, a)
		if p.Status != status || p.Title != http.StatusText(status) || p.Instance == "" || p.Instance != a.Header.Get("X-Request-ID") {
			t.Fatalf("not a problem of status %d with the request's ID: %s", status, a.Body)
		}
	}
	return a
}

// Raw sends bytes and returns all that comes back until the server closes.
func (p *Program) Raw(text string) string {
	p.T.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		p.T.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(Patience)); err != nil {
		p.T.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		p.T.Fatal(err)
	}
	back, _ := io.ReadAll(bufio.NewReader(conn))
	return string(back)
}

// CookieOf is the one cookie that an answer sets.
func CookieOf(t *testing.T, a Answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.Header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies in %v", len(cookies), a.Header)
	}
	return cookies[0]
}
