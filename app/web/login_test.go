package web_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const form header = "Content-Type: application/x-www-form-urlencoded"

func cookieOf(t *testing.T, a answer) *http.Cookie {
	t.Helper()
	cookies := (&http.Response{Header: a.header}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies in %v", len(cookies), a.header)
	}
	return cookies[0]
}

func TestLogin(t *testing.T) {
	p := start(t, outward)
	tests := []struct {
		name, body string
		kind       header
		status     int
		role       string
	}{
		{"operator", `{"token":"` + operatorToken + `"}`, jsonBody, 200, "operator"},
		{"viewer", `{"token":"` + viewerToken + `"}`, jsonBody, 200, "viewer"},
		{"form", "token=" + operatorToken, form, 303, "operator"},
		{"wrong", `{"token":"no"}`, jsonBody, 401, ""},
		{"empty", `{}`, jsonBody, 401, ""},
		{"wrong form", "token=no", form, 401, ""},
	}
	for _, test := range tests {
		a := p.do("POST", "/crons/login", test.body, test.kind, "Origin: "+p.URL())
		if a.status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, a.status, test.status, a.body)
		}
		if test.role == "" {
			if a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: a cookie for nothing", test.name)
			}
			continue
		}
		cookie := cookieOf(t, a)
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge <= 0 || cookie.Secure || strings.Contains(cookie.Value, "token") {
			t.Errorf("%s: %s", test.name, cookie)
		}
		with := "Cookie: " + cookie.Name + "=" + cookie.Value
		p.do("GET", "/crons", "", with).want(t, 200)

		write := map[string]int{"operator": 200, "viewer": 403}[test.role]
		for _, browser := range []header{"Origin: " + p.URL(), "Sec-Fetch-Site: same-origin"} {
			p.do("POST", "/crons/hello/resume", "", with, browser).want(t, write)
		}
		// A cookie comes by itself. Without a word of the browser on where from, it counts for nothing.
		if a := p.do("POST", "/crons/hello/resume", "", with).want(t, 401); !strings.Contains(a.body, "from this server's pages only") || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %v %s", test.name, a.header, a.body)
		}
		p.do("POST", "/crons/hello/resume", "", with, "Origin: https://evil.example").want(t, 403)

		p.do("POST", "/crons/logout", "", with, "Origin: https://evil.example").want(t, 403)
		p.do("GET", "/crons", "", with).want(t, 200)
		a = p.do("POST", "/crons/logout", "", with, "Origin: "+p.URL()).want(t, 204)
		if gone := cookieOf(t, a); gone.MaxAge >= 0 || gone.Value != "" {
			t.Errorf("%s: after logout %s", test.name, gone)
		}
		p.do("GET", "/crons", "", with).want(t, 401) // also for whoever has kept it
	}
}

func TestForgedSessions(t *testing.T) {
	p := start(t, outward)
	viewer := cookieOf(t, p.do("POST", "/crons/login", `{"token":"`+viewerToken+`"}`, jsonBody, "Origin: "+p.URL()))
	p.do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+viewer.Value).want(t, 200)
	other := start(t, func(set *setup) { outward(set); set.env["CRON_VIEWER_TOKEN"] = "quite-another-viewer-token" })
	other.do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+viewer.Value).want(t, 401)
	for i := range viewer.Value {
		forged := []byte(viewer.Value)
		forged[i] ^= 1
		a, err := p.try("GET", "/crons", "", "Cookie: "+viewer.Name+"="+url.QueryEscape(string(forged)))
		if err != nil || a.status != 401 {
			t.Fatalf("byte %d changed: %d %v", i, a.status, err)
		}
	}
	for _, value := range []string{"", "x", viewer.Value[:len(viewer.Value)-1], viewer.Value + "A", strings.Repeat("A", len(viewer.Value)), strings.Repeat("_", len(viewer.Value))} {
		p.do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+value).want(t, 401)
	}
}

func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	p := start(t, func(set *setup) { set.env["CRON_ALLOWED_HOSTS"] = "crons.example" })
	a := p.do("POST", "/crons/login", `{"token":"`+operatorToken+`"}`, jsonBody, "Host: crons.example", "Origin: https://crons.example", "X-Forwarded-Proto: https").want(t, 200)
	if !cookieOf(t, a).Secure {
		t.Error(a.header.Get("Set-Cookie"))
	}
}

func TestWrongTokensAreLimitedByRealPeer(t *testing.T) {
	for name, ask := range map[string]func(p *program, i int, token string) answer{
		"login": func(p *program, i int, token string) answer {
			return p.do("POST", "/crons/login", `{"token":"`+token+`"}`, jsonBody, "X-Forwarded-For: 192.0.2."+strconv.Itoa(i))
		},
		"form": func(p *program, i int, token string) answer {
			return p.do("POST", "/crons/login", "token="+token, form, "X-Forwarded-For: 192.0.2."+strconv.Itoa(i))
		},
		"bearer": func(p *program, i int, token string) answer {
			return p.do("POST", "/crons/hello/resume", "", "Authorization: Bearer "+token, "Forwarded: for=192.0.2."+strconv.Itoa(i), "X-Real-IP: 192.0.2."+strconv.Itoa(i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, nil)
			for i := range 20 {
				a := ask(p, i, "wrong-"+strconv.Itoa(i))
				want := 401
				if i >= 10 {
					want = 429
				}
				if a.status != want {
					t.Fatalf("attempt %d: status %d, want %d", i+1, a.status, want)
				}
				if wait, _ := strconv.Atoi(a.header.Get("Retry-After")); want == 429 && (wait < 1 || wait > 60) {
					t.Errorf("attempt %d: Retry-After %q", i+1, a.header.Get("Retry-After"))
				}
			}
			// The right token is never refused, so that nobody behind the same proxy can lock others out.
			want := map[string]int{"login": 200, "form": 303, "bearer": 200}[name]
			ask(p, 99, operatorToken).want(t, want)
		})
	}
}

// The link must log in, and must not leave the token anywhere.
func TestReadyLink(t *testing.T) {
	p := start(t, withoutTokens)
	link, err := url.Parse(p.LoginLink())
	if err != nil || link.Path != "/crons/login" || link.RawQuery != "" {
		t.Fatal(p.LoginLink(), err)
	}
	token := strings.TrimPrefix(link.Fragment, "token=")
	if len(token) < 32 {
		t.Fatalf("the token %q is short", token)
	}
	page := p.do("GET", link.Path, "").want(t, 200) // a browser sends no fragment
	if !strings.Contains(page.body, `<script src="/crons/login/login.js">`) || strings.Contains(page.body, token) {
		t.Error(page.body)
	}
	script := p.do("GET", "/crons/login/login.js", "").want(t, 200)
	if kind := script.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/javascript") || !strings.Contains(script.body, "history.replaceState") {
		t.Error(kind, script.body)
	}
	p.do("GET", "/crons/login/page.css", "").want(t, 200)
	a := p.do("POST", "/crons/login", `{"token":"`+token+`","next":"/crons/docs"}`, jsonBody, "Origin: "+p.URL(), "Sec-Fetch-Site: same-origin").want(t, 200)
	if next := decode[map[string]string](t, a)["next"]; next != "/crons/docs" {
		t.Error(next)
	}
	cookie := cookieOf(t, a)
	p.do("POST", "/crons/hello/run?wait=4m", "", "Cookie: "+cookie.Name+"="+cookie.Value, "Origin: "+p.URL()).want(t, 200)
	p.do("POST", "/crons/hello/run?wait=4m", "", "Authorization: Bearer "+token).want(t, 200)
	if strings.Contains(p.log.String(), token) || !strings.Contains(p.log.String(), `"/crons/login"`) {
		t.Error("the log holds the token, or nothing at all")
	}

	if again := start(t, withoutTokens); again.LoginLink() == p.LoginLink() {
		t.Error("two starts made one token")
	}
	if configured := start(t, nil); configured.LoginLink() != "" {
		t.Error("a link although a token is configured")
	}
	if off := start(t, func(set *setup) { withoutTokens(set); authOff(set) }); off.LoginLink() != "" {
		t.Error("a link although nothing is asked for")
	}
}

func TestLoginSendsOnToOwnPagesOnly(t *testing.T) {
	p := start(t, nil)
	for next, want := range map[string]string{
		"":                          "/crons/dashboard",
		"/crons/docs":               "/crons/docs",
		"/crons/runs":               "/crons/runs",
		"/crons/login":              "/crons/dashboard",
		"https://evil.example/":     "/crons/dashboard",
		"//evil.example/crons/docs": "/crons/dashboard",
		"/crons/docs?x=1":           "/crons/docs",
		`/\evil.example/crons/`:     "/crons/dashboard",
		"/crons/\r\nX: y":           "/crons/dashboard",
		"javascript:alert(1)":       "/crons/dashboard",
		"/elsewhere":                "/crons/dashboard",
	} {
		a := p.do("POST", "/crons/login", url.Values{"token": {operatorToken}, "next": {next}}.Encode(), form).want(t, 303)
		if to := a.header.Get("Location"); to != want {
			t.Errorf("%q: to %q, want %q", next, to, want)
		}
		page := p.do("GET", "/crons/login?next="+url.QueryEscape(next), "").want(t, 200)
		if !strings.Contains(page.body, `value="`+want+`"`) {
			t.Errorf("%q: %s", next, page.body)
		}
	}
}

func TestPeopleAreSentToTheLogin(t *testing.T) {
	p := start(t, outward)
	a := p.do("GET", "/crons/docs", "", "Accept: text/html,*/*;q=0.8")
	if a.status != 303 || a.header.Get("Location") != "/crons/login?next=%2Fcrons%2Fdocs" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
	p.do("GET", "/crons/docs", "").want(t, 401)
	a = p.do("POST", "/crons/logout", "", "Accept: text/html", "Origin: "+p.URL())
	if a.status != 303 || a.header.Get("Location") != "/crons/login" {
		t.Errorf("%d %s", a.status, a.header.Get("Location"))
	}
}
