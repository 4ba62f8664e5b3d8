package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The Host header is held against names that are ours, as it was sent (DNS rebinding).
func TestHosts(t *testing.T) {
	named := func(set *setup) { set.env["CRON_ALLOWED_HOSTS"] = "crons.example, 192.0.2.1" }
	programs := map[string]*program{
		"loopback":       start(t, nil),
		"loopback named": start(t, named),
		"outward":        start(t, outward),
		"outward named":  start(t, func(set *setup) { outward(set); named(set) }),
		"outward off":    start(t, func(set *setup) { outward(set); authOff(set) }),
	}
	tests := []struct {
		host string
		ok   string // where it is allowed
	}{
		{"localhost", "loopback, loopback named, outward, outward off"},
		{"localhost:3000", "loopback, loopback named, outward, outward off"},
		{"LOCALHOST.:8080", "loopback, loopback named, outward, outward off"},
		{"app.localhost", "loopback, loopback named, outward, outward off"},
		{"127.0.0.1", "loopback, loopback named, outward, outward named, outward off"},
		{"127.9.9.9:1", "loopback, loopback named, outward, outward named, outward off"},
		{"[::1]:3000", "loopback, loopback named, outward, outward named, outward off"},
		{"crons.example", "loopback named, outward, outward named"},
		{"Crons.Example:443", "loopback named, outward, outward named"},
		{"192.0.2.1", "loopback, loopback named, outward, outward named, outward off"},
		{"evil.example", "outward"},
		{"localhost.evil.example", "outward"},
		{"127.0.0.1.evil.example", "outward"},
		{"evil.crons.example", "outward"},
		{"crons.example.evil.example", "outward"},
		{"10.0.0.7:3000", "loopback, loopback named, outward, outward named, outward off"},
		{"server:3000", "outward, outward off"},
		{"0.0.0.0", "loopback, loopback named, outward, outward named, outward off"},
	}
	for _, test := range tests {
		for name, p := range programs {
			want := http.StatusForbidden
			for _, where := range strings.Split(test.ok, ", ") {
				if where == name {
					want = http.StatusOK
				}
			}
			for _, request := range []string{"GET /crons", "POST /crons/hello/resume"} {
				method, path, _ := strings.Cut(request, " ")
				a := p.do(method, path, "", asOperator, "Host: "+test.host, "X-Forwarded-Host: localhost")
				if a.status != want {
					t.Errorf("%s, Host %s, %s: status %d, want %d: %s", name, test.host, request, a.status, want, a.body)
				}
			}
		}
		if name, _, _ := strings.Cut(test.host, ":"); name == "10.0.0.7" || name == "192.0.2.1" {
			for _, headers := range [][]header{nil, {"Authorization: Bearer wrong"}} { // an address alone opens nothing
				programs["loopback"].do("GET", "/crons", "", append(headers, "Host: "+test.host)...).want(t, 403)
			}
		}
		programs["loopback"].do("GET", "/livez", "", "Host: "+test.host).want(t, 200) // a health check knows no name
	}
}

// A write from another origin's page is refused, whoever is logged in.
func TestForeignPages(t *testing.T) {
	p := start(t, func(set *setup) { set.env["CRON_ALLOWED_HOSTS"] = "crons.example" })
	_, port, _ := strings.Cut(strings.TrimPrefix(p.URL(), "http://"), ":")
	own := "http://127.0.0.1:" + port
	tests := []struct {
		headers []header
		status  int
	}{
		{nil, 200},
		{[]header{"Origin: " + own}, 200},
		{[]header{"Origin: " + own, "Sec-Fetch-Site: same-origin"}, 200},
		{[]header{"Sec-Fetch-Site: none"}, 200},
		{[]header{"Host: localhost:" + port, "Origin: http://localhost:" + port}, 200},
		{[]header{"Host: crons.example", "Origin: https://crons.example"}, 200},
		{[]header{"Host: crons.example", "Origin: http://crons.example"}, 200},
		{[]header{"Origin: https://crons.example"}, 200}, // a proxy put its own name into Host
		{[]header{"Origin: https://evil.example"}, 403},
		{[]header{"Origin: https://evil.example", "Sec-Fetch-Site: same-origin"}, 403},
		{[]header{"Origin: null"}, 403},
		{[]header{"Origin: file://"}, 403},
		{[]header{"Origin: garbage"}, 403},
		{[]header{"Origin: http://127.0.0.1:1"}, 403},
		{[]header{"Origin: http://127.0.0.1"}, 403},
		{[]header{"Origin: http://localhost:" + port}, 403}, // Host says 127.0.0.1
		{[]header{"Origin: https://crons.example:8443"}, 403},
		{[]header{"Host: crons.example", "Origin: https://crons.example:8443"}, 403},
		{[]header{"Host: crons.example", "Origin: https://crons.example.evil.example"}, 403},
		{[]header{"Origin: http://user@127.0.0.1:" + port + "@evil.example"}, 403},
		{[]header{"Sec-Fetch-Site: cross-site"}, 403},
		{[]header{"Sec-Fetch-Site: same-site"}, 403}, // any other port of localhost
		{[]header{"Sec-Fetch-Site: cross-site", "Origin: " + own}, 403},
		{[]header{"Referer: https://evil.example/"}, 200}, // says nothing a browser would not say in Origin
	}
	for _, test := range tests {
		for _, path := range []string{"/crons/hello/resume", "/crons/logout"} {
			a := p.do("POST", path, "", append(test.headers, asOperator)...)
			if a.status != test.status && !(test.status == 200 && a.status == 204) {
				t.Errorf("%s with %q: status %d, want %d: %s", path, test.headers, a.status, test.status, a.body)
			}
		}
	}
	if a := p.do("OPTIONS", "/crons/hello/run", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST", asOperator); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a preflight got %d", a.status)
	}
	for name := range p.read("/crons", "Origin: https://evil.example").want(t, 200).header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is sent", name)
		}
	}
}

func TestContentTypes(t *testing.T) {
	p := start(t, nil)
	const body = `{"reason":"x"}`
	tests := []struct {
		kind, body string
		more       header
		status     int
	}{
		{"application/json", body, "", 200},
		{"application/json; charset=utf-8", body, "", 200},
		{"Application/JSON;charset=UTF-8", body, "", 200},
		{"", "", "", 200},
		{"text/plain", "", "", 200},
		{"text/plain", body, "", 415},
		{"", body, "", 415},
		{"application/x-www-form-urlencoded", body, "", 415},
		{"multipart/form-data; boundary=x", body, "", 415},
		{"application/json; charset=utf-16", body, "", 415},
		{"application/json-seq", body, "", 415},
		{"text/plain; x=application/json", body, "", 415},
		{"application/json, text/plain", body, "", 415},
		{"application/json", body, "Content-Encoding: gzip", 415},
	}
	for _, test := range tests {
		headers := []header{asOperator}
		if test.kind != "" {
			headers = append(headers, "Content-Type: "+test.kind)
		}
		if test.more != "" {
			headers = append(headers, test.more)
		}
		a := p.do("POST", "/crons/hello/pause", test.body, headers...)
		if a.status != test.status {
			t.Errorf("%q %q: status %d, want %d: %s", test.kind, test.body, a.status, test.status, a.body)
		}
	}
	p.do("POST", "/crons/login", `token=`+operatorToken, "Content-Type: text/plain").want(t, 415)
}

func TestSecurityHeaders(t *testing.T) {
	p := start(t, nil)
	answers := map[string]answer{
		"list":       p.read("/crons"),
		"page":       p.read("/crons/docs"),
		"login":      p.read("/crons/login"),
		"script":     p.read("/crons/login/login.js"),
		"not found":  p.read("/crons/none"),
		"no token":   p.do("POST", "/crons/hello/run", ""),
		"a bad host": p.do("GET", "/crons", "", "Host: evil.example"),
		"unchanged":  p.read("/crons", "If-None-Match: *"),
	}
	for name, a := range answers {
		for key, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := a.header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", name, key, got, value)
			}
		}
		csp := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", name, csp)
		}
		if a.header.Get("Server") != "" {
			t.Errorf("%s: Server: %s", name, a.header.Get("Server"))
		}
	}
}

// raw sends bytes as they are and returns all that comes back until the server closes.
func (p *program) raw(text string) string {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		p.t.Fatal(err)
	}
	back, _ := io.ReadAll(bufio.NewReader(conn))
	return string(back)
}

// What two servers in a row could understand differently is refused.
func TestSmuggling(t *testing.T) {
	p := start(t, someJobs)
	const token = "Authorization: Bearer " + operatorToken + "\r\n"
	const inner = "POST /crons/backup/run HTTP/1.1\r\nHost: localhost\r\n" + token + "\r\n"
	tests := []struct {
		name, request string
		status        int
	}{
		{"fine", "GET /crons HTTP/1.1\r\nHost: localhost\r\n" + token + "Connection: close\r\n\r\n", 200},
		{"two hosts", "GET /crons HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400},
		{"two hosts, the same", "GET /crons HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400},
		{"no host", "GET /crons HTTP/1.1\r\nConnection: close\r\n\r\n", 400},
		{"no host, HTTP/1.0", "GET /crons HTTP/1.0\r\n\r\n", 403},
		{"a host in the line", "GET http://evil.example/crons HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 403},
		{"a host in the line, ours", "GET http://localhost/crons HTTP/1.1\r\nHost: localhost\r\n" + token + "Connection: close\r\n\r\n", 200},
		{"a host with a path", "GET /crons HTTP/1.1\r\nHost: localhost/evil\r\nConnection: close\r\n\r\n", 400},
		{"a host with a user", "GET /crons HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n", 403},
		{"TE and CL", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner, 400},
		{"CL and TE", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + inner, 400},
		{"two lengths", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + inner, 400},
		{"a signed length", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Content-Length: +0\r\n\r\n" + inner, 400},
		{"a space before the colon", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + inner, 400},
		{"an unknown coding", "POST /crons/backup/resume HTTP/1.1\r\nHost: localhost\r\n" + token + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + inner, 0},
		{"a folded header", "GET /crons HTTP/1.1\r\nHost: localhost\r\n folded\r\nConnection: close\r\n\r\n", 400},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"no version", "GET /crons\r\nHost: localhost\r\n\r\n", 400},
	}
	for _, test := range tests {
		back := p.raw(test.request)
		first, _, _ := strings.Cut(back, "\r\n")
		if test.status != 0 && !strings.HasPrefix(first, fmt.Sprintf("HTTP/1.1 %d ", test.status)) {
			t.Errorf("%s: %q, want %d", test.name, first, test.status)
		}
		if test.status != 200 && strings.HasPrefix(first, "HTTP/1.1 2") {
			t.Errorf("%s: %q", test.name, first)
		}
		if strings.Count(back, "HTTP/1.1 ") > 1 {
			t.Errorf("%s: a second request was found in the first:\n%s", test.name, back)
		}
		if test.status >= 400 && !strings.Contains(back, "application/problem+json") {
			t.Errorf("%s: not a problem:\n%s", test.name, back)
		}
	}
	if runs := p.read("/crons/runs").body; strings.TrimSpace(runs) != "[]" {
		t.Errorf("a smuggled request started %s", runs)
	}
}

// nginx, told nothing, speaks HTTP/1.0 to what is behind it and adds no header.
func TestPlainProxyOpensNothing(t *testing.T) {
	p := start(t, nil)
	if back := p.raw("GET /crons HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(back, "HTTP/1.1 401 ") {
		t.Error(back)
	}
	if back := p.raw("GET /crons HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n" + asViewer + "\r\n\r\n"); !strings.HasPrefix(back, "HTTP/1.1 200 ") {
		t.Error(back)
	}
}
