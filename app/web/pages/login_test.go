package pages_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"fibercrons/app/internal/webtest"
)

func TestLogin(t *testing.T) {
	p := webtest.Start(t, webtest.Outward)
	tests := []struct {
		name, body string
		kind       webtest.Header
		status     int
		role       string
	}{
		{"operator", `{"token":"` + webtest.OperatorToken + `"}`, webtest.JSONBody, 200, "operator"},
		{"viewer", `{"token":"` + webtest.ViewerToken + `"}`, webtest.JSONBody, 200, "viewer"},
		{"form", "token=" + webtest.OperatorToken, webtest.Form, 303, "operator"},
		{"wrong", `{"token":"no"}`, webtest.JSONBody, 401, ""},
		{"empty", `{}`, webtest.JSONBody, 401, ""},
		{"wrong form", "token=no", webtest.Form, 401, ""},
	}
	for _, test := range tests {
		a := p.Do("POST", "/crons/login", test.body, test.kind, "Origin: "+p.URL())
		if a.Status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, a.Status, test.status, a.Body)
		}
		if test.role == "" {
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s: a cookie for nothing", test.name)
			}
			continue
		}
		cookie := webtest.CookieOf(t, a)
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge <= 0 || cookie.Secure || strings.Contains(cookie.Value, "token") {
			t.Errorf("%s: %s", test.name, cookie)
		}
		with := "Cookie: " + cookie.Name + "=" + cookie.Value
		p.Do("GET", "/crons", "", with).Want(t, 200)

		write := map[string]int{"operator": 200, "viewer": 403}[test.role]
		for _, browser := range []webtest.Header{"Origin: " + p.URL(), "Sec-Fetch-Site: same-origin"} {
			p.Do("POST", "/crons/hello/resume", "", with, browser).Want(t, write)
		}
		// A cookie comes by itself. Without a word of the browser on where from, it counts for nothing.
		if a := p.Do("POST", "/crons/hello/resume", "", with).Want(t, 401); !strings.Contains(a.Body, "from this server's pages only") || a.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %v %s", test.name, a.Header, a.Body)
		}
		p.Do("POST", "/crons/hello/resume", "", with, "Origin: https://evil.example").Want(t, 403)

		p.Do("POST", "/crons/logout", "", with, "Origin: https://evil.example").Want(t, 403)
		p.Do("GET", "/crons", "", with).Want(t, 200)
		a = p.Do("POST", "/crons/logout", "", with, "Origin: "+p.URL()).Want(t, 204)
		if gone := webtest.CookieOf(t, a); gone.MaxAge >= 0 || gone.Value != "" {
			t.Errorf("%s: after logout %s", test.name, gone)
		}
		p.Do("GET", "/crons", "", with).Want(t, 401) // also for whoever has kept it
	}
}

func TestForgedSessions(t *testing.T) {
	p := webtest.Start(t, webtest.Outward)
	viewer := webtest.CookieOf(t, p.Do("POST", "/crons/login", `{"token":"`+webtest.ViewerToken+`"}`, webtest.JSONBody, "Origin: "+p.URL()))
	p.Do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+viewer.Value).Want(t, 200)
	other := webtest.Start(t, func(set *webtest.Setup) {
		webtest.Outward(set)
		set.Env["CRON_VIEWER_TOKEN"] = "quite-another-viewer-token"
	})
	other.Do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+viewer.Value).Want(t, 401)
	for i := range viewer.Value {
		forged := []byte(viewer.Value)
		forged[i] ^= 1
		a, err := p.Try("GET", "/crons", "", "Cookie: "+viewer.Name+"="+url.QueryEscape(string(forged)))
		if err != nil || a.Status != 401 {
			t.Fatalf("byte %d changed: %d %v", i, a.Status, err)
		}
	}
	for _, value := range []string{"", "x", viewer.Value[:len(viewer.Value)-1], viewer.Value + "A", strings.Repeat("A", len(viewer.Value)), strings.Repeat("_", len(viewer.Value))} {
		p.Do("GET", "/crons", "", "Cookie: "+viewer.Name+"="+value).Want(t, 401)
	}
}

func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["CRON_ALLOWED_HOSTS"] = "crons.example" })
	a := p.Do("POST", "/crons/login", `{"token":"`+webtest.OperatorToken+`"}`, webtest.JSONBody, "Host: crons.example", "Origin: https://crons.example", "X-Forwarded-Proto: https").Want(t, 200)
	if !webtest.CookieOf(t, a).Secure {
		t.Error(a.Header.Get("Set-Cookie"))
	}
}

func TestWrongTokensAreLimitedByRealPeer(t *testing.T) {
	for name, ask := range map[string]func(p *webtest.Program, i int, token string) webtest.Answer{
		"login": func(p *webtest.Program, i int, token string) webtest.Answer {
			return p.Do("POST", "/crons/login", `{"token":"`+token+`"}`, webtest.JSONBody, "X-Forwarded-For: 192.0.2."+strconv.Itoa(i))
		},
		"form": func(p *webtest.Program, i int, token string) webtest.Answer {
			return p.Do("POST", "/crons/login", "token="+token, webtest.Form, "X-Forwarded-For: 192.0.2."+strconv.Itoa(i))
		},
		"bearer": func(p *webtest.Program, i int, token string) webtest.Answer {
			return p.Do("POST", "/crons/hello/resume", "", "Authorization: Bearer "+token, "Forwarded: for=192.0.2."+strconv.Itoa(i), "X-Real-IP: 192.0.2."+strconv.Itoa(i))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := webtest.Start(t, nil)
			for i := range 20 {
				a := ask(p, i, "wrong-"+strconv.Itoa(i))
				want := 401
				if i >= 10 {
					want = 429
				}
				if a.Status != want {
					t.Fatalf("attempt %d: status %d, want %d", i+1, a.Status, want)
				}
				if wait, _ := strconv.Atoi(a.Header.Get("Retry-After")); want == 429 && (wait < 1 || wait > 60) {
					t.Errorf("attempt %d: Retry-After %q", i+1, a.Header.Get("Retry-After"))
				}
			}
			// The right token is never refused, so that nobody behind the same proxy can lock others out.
			want := map[string]int{"login": 200, "form": 303, "bearer": 200}[name]
			ask(p, 99, webtest.OperatorToken).Want(t, want)
		})
	}
}

// The link must log in, and must not leave the token anywhere.
func TestReadyLink(t *testing.T) {
	p := webtest.Start(t, webtest.WithoutTokens)
	link, err := url.Parse(p.LoginLink())
	if err != nil || link.Path != "/crons/login" || link.RawQuery != "" {
		t.Fatal(p.LoginLink(), err)
	}
	token := strings.TrimPrefix(link.Fragment, "token=")
	if len(token) < 32 {
		t.Fatalf("the token %q is short", token)
	}
	page := p.Do("GET", link.Path, "").Want(t, 200) // a browser sends no fragment
	if !strings.Contains(page.Body, `<script src="/crons/login/login.js">`) || strings.Contains(page.Body, token) {
		t.Error(page.Body)
	}
	script := p.Do("GET", "/crons/login/login.js", "").Want(t, 200)
	if kind := script.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/javascript") || !strings.Contains(script.Body, "history.replaceState") {
		t.Error(kind, script.Body)
	}
	p.Do("GET", "/crons/login/page.css", "").Want(t, 200)
	a := p.Do("POST", "/crons/login", `{"token":"`+token+`","next":"/crons/docs"}`, webtest.JSONBody, "Origin: "+p.URL(), "Sec-Fetch-Site: same-origin").Want(t, 200)
	if next := webtest.Decode[map[string]string](t, a)["next"]; next != "/crons/docs" {
		t.Error(next)
	}
	cookie := webtest.CookieOf(t, a)
	p.Do("POST", "/crons/hello/run?wait=4m", "", "Cookie: "+cookie.Name+"="+cookie.Value, "Origin: "+p.URL()).Want(t, 200)
	p.Do("POST", "/crons/hello/run?wait=4m", "", "Authorization: Bearer "+token).Want(t, 200)
	if strings.Contains(p.Log.String(), token) || !strings.Contains(p.Log.String(), `"/crons/login"`) {
		t.Error("the log holds the token, or nothing at all")
	}

	if again := webtest.Start(t, webtest.WithoutTokens); again.LoginLink() == p.LoginLink() {
		t.Error("two starts made one token")
	}
	if configured := webtest.Start(t, nil); configured.LoginLink() != "" {
		t.Error("a link although a token is configured")
	}
	if off := webtest.Start(t, func(set *webtest.Setup) { webtest.WithoutTokens(set); webtest.AuthOff(set) }); off.LoginLink() != "" {
		t.Error("a link although nothing is asked for")
	}
}

func TestLoginSendsOnToOwnPagesOnly(t *testing.T) {
	p := webtest.Start(t, nil)
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
		a := p.Do("POST", "/crons/login", url.Values{"token": {webtest.OperatorToken}, "next": {next}}.Encode(), webtest.Form).Want(t, 303)
		if to := a.Header.Get("Location"); to != want {
			t.Errorf("%q: to %q, want %q", next, to, want)
		}
		page := p.Do("GET", "/crons/login?next="+url.QueryEscape(next), "").Want(t, 200)
		if !strings.Contains(page.Body, `value="`+want+`"`) {
			t.Errorf("%q: %s", next, page.Body)
		}
	}
}

func TestPeopleAreSentToTheLogin(t *testing.T) {
	p := webtest.Start(t, webtest.Outward)
	a := p.Do("GET", "/crons/docs", "", "Accept: text/html,*/*;q=0.8")
	if a.Status != 303 || a.Header.Get("Location") != "/crons/login?next=%2Fcrons%2Fdocs" {
		t.Errorf("%d %s", a.Status, a.Header.Get("Location"))
	}
	p.Do("GET", "/crons/docs", "").Want(t, 401)
	a = p.Do("POST", "/crons/logout", "", "Accept: text/html", "Origin: "+p.URL())
	if a.Status != 303 || a.Header.Get("Location") != "/crons/login" {
		t.Errorf("%d %s", a.Status, a.Header.Get("Location"))
	}
}
