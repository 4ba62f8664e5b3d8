package access_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fibercrons/app/internal/webtest"
)

// The Host header is held against names that are ours, as it was sent (DNS rebinding).
func TestHosts(t *testing.T) {
	named := func(set *webtest.Setup) { set.Env["CRON_ALLOWED_HOSTS"] = "crons.example, 192.0.2.1" }
	programs := map[string]*webtest.Program{
		"loopback":       webtest.Start(t, nil),
		"loopback named": webtest.Start(t, named),
		"outward":        webtest.Start(t, webtest.Outward),
		"outward named":  webtest.Start(t, func(set *webtest.Setup) { webtest.Outward(set); named(set) }),
		"outward off":    webtest.Start(t, func(set *webtest.Setup) { webtest.Outward(set); webtest.AuthOff(set) }),
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
				a := p.Do(method, path, "", webtest.AsOperator, "Host: "+test.host, "X-Forwarded-Host: localhost")
				if a.Status != want {
					t.Errorf("%s, Host %s, %s: status %d, want %d: %s", name, test.host, request, a.Status, want, a.Body)
				}
			}
		}
		if name, _, _ := strings.Cut(test.host, ":"); name == "10.0.0.7" || name == "192.0.2.1" {
			for _, headers := range [][]webtest.Header{nil, {"Authorization: Bearer wrong"}} { // an address alone opens nothing
				programs["loopback"].Do("GET", "/crons", "", append(headers, "Host: "+test.host)...).Want(t, 403)
			}
		}
		programs["loopback"].Do("GET", "/livez", "", "Host: "+test.host).Want(t, 200) // a health check knows no name
	}
}

// A write from another origin's page is refused, whoever is logged in.
func TestForeignPages(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["CRON_ALLOWED_HOSTS"] = "crons.example" })
	_, port, _ := strings.Cut(strings.TrimPrefix(p.URL(), "http://"), ":")
	own := "http://127.0.0.1:" + port
	tests := []struct {
		headers []webtest.Header
		status  int
	}{
		{nil, 200},
		{[]webtest.Header{"Origin: " + own}, 200},
		{[]webtest.Header{"Origin: " + own, "Sec-Fetch-Site: same-origin"}, 200},
		{[]webtest.Header{"Sec-Fetch-Site: none"}, 200},
		{[]webtest.Header{"Host: localhost:" + port, "Origin: http://localhost:" + port}, 200},
		{[]webtest.Header{"Host: crons.example", "Origin: https://crons.example"}, 200},
		{[]webtest.Header{"Host: crons.example", "Origin: http://crons.example"}, 200},
		{[]webtest.Header{"Origin: https://crons.example"}, 200}, // a proxy put its own name into Host
		{[]webtest.Header{"Origin: https://evil.example"}, 403},
		{[]webtest.Header{"Origin: https://evil.example", "Sec-Fetch-Site: same-origin"}, 403},
		{[]webtest.Header{"Origin: null"}, 403},
		{[]webtest.Header{"Origin: file://"}, 403},
		{[]webtest.Header{"Origin: garbage"}, 403},
		{[]webtest.Header{"Origin: http://127.0.0.1:1"}, 403},
		{[]webtest.Header{"Origin: http://127.0.0.1"}, 403},
		{[]webtest.Header{"Origin: http://localhost:" + port}, 403}, // Host says 127.0.0.1
		{[]webtest.Header{"Origin: https://crons.example:8443"}, 403},
		{[]webtest.Header{"Host: crons.example", "Origin: https://crons.example:8443"}, 403},
		{[]webtest.Header{"Host: crons.example", "Origin: https://crons.example.evil.example"}, 403},
		{[]webtest.Header{"Origin: http://user@127.0.0.1:" + port + "@evil.example"}, 403},
		{[]webtest.Header{"Sec-Fetch-Site: cross-site"}, 403},
		{[]webtest.Header{"Sec-Fetch-Site: same-site"}, 403}, // any other port of localhost
		{[]webtest.Header{"Sec-Fetch-Site: cross-site", "Origin: " + own}, 403},
		{[]webtest.Header{"Referer: https://evil.example/"}, 200}, // says nothing a browser would not say in Origin
	}
	for _, test := range tests {
		for _, path := range []string{"/crons/hello/resume", "/crons/logout"} {
			a := p.Do("POST", path, "", append(test.headers, webtest.AsOperator)...)
			if a.Status != test.status && !(test.status == 200 && a.Status == 204) {
				t.Errorf("%s with %q: status %d, want %d: %s", path, test.headers, a.Status, test.status, a.Body)
			}
		}
	}
	if a := p.Do("OPTIONS", "/crons/hello/run", "", "Origin: https://evil.example", "Access-Control-Request-Method: POST", webtest.AsOperator); a.Status != 204 || a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a preflight got %d", a.Status)
	}
	for name := range p.Read("/crons", "Origin: https://evil.example").Want(t, 200).Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is sent", name)
		}
	}
}

func TestContentTypes(t *testing.T) {
	p := webtest.Start(t, nil)
	const body = `{"reason":"x"}`
	tests := []struct {
		kind, body string
		more       webtest.Header
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
		headers := []webtest.Header{webtest.AsOperator}
		if test.kind != "" {
			headers = append(headers, "Content-Type: "+test.kind)
		}
		if test.more != "" {
			headers = append(headers, test.more)
		}
		a := p.Do("POST", "/crons/hello/pause", test.body, headers...)
		if a.Status != test.status {
			t.Errorf("%q %q: status %d, want %d: %s", test.kind, test.body, a.Status, test.status, a.Body)
		}
	}
	p.Do("POST", "/crons/login", `token=`+webtest.OperatorToken, "Content-Type: text/plain").Want(t, 415)
}

func TestSecurityHeaders(t *testing.T) {
	p := webtest.Start(t, nil)
	answers := map[string]webtest.Answer{
		"list":       p.Read("/crons"),
		"page":       p.Read("/crons/docs"),
		"login":      p.Read("/crons/login"),
		"script":     p.Read("/crons/login/login.js"),
		"not found":  p.Read("/crons/none"),
		"no token":   p.Do("POST", "/crons/hello/run", ""),
		"a bad host": p.Do("GET", "/crons", "", "Host: evil.example"),
		"unchanged":  p.Read("/crons", "If-None-Match: *"),
	}
	for name, a := range answers {
		for key, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := a.Header.Get(key); got != value {
				t.Errorf("%s: %s is %q, want %q", name, key, got, value)
			}
		}
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", name, csp)
		}
		if a.Header.Get("Server") != "" {
			t.Errorf("%s: Server: %s", name, a.Header.Get("Server"))
		}
	}
}

// What two servers in a row could understand differently is refused.
func TestSmuggling(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	const token = "Authorization: Bearer " + webtest.OperatorToken + "\r\n"
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
		back := p.Raw(test.request)
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
	if runs := p.Read("/crons/runs").Body; strings.TrimSpace(runs) != "[]" {
		t.Errorf("a smuggled request started %s", runs)
	}
}

// nginx, told nothing, speaks HTTP/1.0 to what is behind it and adds no header.
func TestPlainProxyOpensNothing(t *testing.T) {
	p := webtest.Start(t, nil)
	if back := p.Raw("GET /crons HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(back, "HTTP/1.1 401 ") {
		t.Error(back)
	}
	if back := p.Raw("GET /crons HTTP/1.0\r\nHost: 127.0.0.1:3000\r\nConnection: close\r\n" + webtest.AsViewer + "\r\n\r\n"); !strings.HasPrefix(back, "HTTP/1.1 200 ") {
		t.Error(back)
	}
}
