package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"html/template"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/web"
)

// foreign is a program around ours, on a port of its own.
type foreign struct {
	t   *testing.T
	url string
}

// serve serves f until the test ends.
func serve(t *testing.T, f *fiber.App) *foreign {
	t.Helper()
	return &foreign{t, "http://" + webtest.Serve(t, f)}
}

func (f *foreign) do(method, path, body string, headers ...webtest.Header) (a webtest.Answer) {
	f.t.Helper()
	a, err := f.try(method, path, body, headers...)
	if err != nil {
		f.t.Fatal(err)
	}
	return a
}

func (f *foreign) try(method, path, body string, headers ...webtest.Header) (webtest.Answer, error) {
	return webtest.Send(method, f.url+path, body, headers...)
}

// theirs is an app with everything that could get in the way: a Views engine, an error handler, a small body limit.
func theirs() *fiber.App {
	return fiber.New(fiber.Config{
		DisableStartupMessage: true,
		Views:                 views{},
		PassLocalsToViews:     true,
		BodyLimit:             8 << 20,
		ErrorHandler:          func(c *fiber.Ctx, err error) error { return c.Status(418).SendString("theirs: " + err.Error()) },
	})
}

type views struct{}

func (views) Load() error { return nil }

func (views) Render(w io.Writer, name string, data any, _ ...string) error {
	return template.Must(template.New(name).Parse("theirs")).Execute(w, data)
}

var links = regexp.MustCompile(`\s(?:href|src|action|hx-get|hx-sse:connect|data-log)="([^"#]+)`)

// crawl follows every link from the dashboard, and fails for one that leads outside of base or nowhere.
func crawl(t *testing.T, f *foreign, base, stripped string, headers ...webtest.Header) (pages int) {
	t.Helper()
	queue, seen := []string{base + "/crons/dashboard", base + "/crons/docs"}, map[string]bool{}
	for len(queue) > 0 && pages < 300 {
		path := queue[0]
		queue = queue[1:]
		if seen[path] || strings.HasSuffix(path, "/crons/events") {
			continue
		}
		seen[path] = true
		a := f.do("GET", strings.TrimPrefix(path, stripped), "", headers...)
		if a.Status == http.StatusMethodNotAllowed { // the address of a form
			continue
		}
		if a.Status != http.StatusOK {
			t.Errorf("%s: status %d", path, a.Status)
		}
		pages++
		if !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			continue
		}
		for _, m := range links.FindAllStringSubmatch(a.Body, -1) {
			to, err := url.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
			if err != nil || !strings.HasPrefix(to.Path, base+"/crons/") {
				t.Fatalf("%s leads to %s, outside of %s/crons", path, m[1], base)
			}
			if to.Path != base+"/crons/login" && to.Path != base+"/crons/logout" {
				queue = append(queue, to.String())
			}
		}
	}
	return pages
}

// Under any prefix, all links, redirects, cookies and descriptions stay below it.
func TestMountUnderAPrefix(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	p.Write("/crons/backup/run?wait=4m", "{}").Want(t, 200)
	grouped, mounted, params := theirs(), theirs(), theirs()
	web.Mount(grouped.Group("/admin"), p.App, web.Options{})
	inner := fiber.New()
	web.Mount(inner.Group("/jobs"), p.App, web.Options{})
	mounted.Mount("/very/deep", inner)
	web.Mount(params.Group("/:tenant"), p.App, web.Options{})
	for base, f := range map[string]*foreign{"/admin": serve(t, grouped), "/very/deep/jobs": serve(t, mounted), "/acme": serve(t, params)} {
		if n := crawl(t, f, base, "", webtest.AsOperator); n < 20 {
			t.Errorf("%s: only %d pages", base, n)
		}
		page := []webtest.Header{"Accept: text/html"}
		if to := f.do("GET", base+"/crons/dashboard/jobs?tag=x", "", page...).Header.Get("Location"); to != base+"/crons/login?next="+url.QueryEscape(base+"/crons/dashboard/jobs") {
			t.Errorf("%s: the login is at %s", base, to)
		}
		form := url.Values{"token": {webtest.OperatorToken}, "next": {base + "/crons/dashboard/jobs"}}.Encode()
		in := f.do("POST", base+"/crons/login", form, webtest.Form, "Origin: "+f.url)
		cookie := in.Header.Get("Set-Cookie")
		if in.Status != 303 || in.Header.Get("Location") != base+"/crons/dashboard/jobs" || !strings.Contains(strings.ToLower(cookie), "path="+base+";") {
			t.Errorf("%s: %d %v", base, in.Status, in.Header)
		}
		for _, away := range []string{"/crons/dashboard", "//evil.example" + base + "/crons/x", base, base + "/cronsx"} {
			in := f.do("POST", base+"/crons/login", url.Values{"token": {webtest.OperatorToken}, "next": {away}}.Encode(), webtest.Form, "Origin: "+f.url)
			if to := in.Header.Get("Location"); to != base+"/crons/dashboard" {
				t.Errorf("%s: the login leads to %s, asked for %s", base, to, away)
			}
		}
		session, _, _ := strings.Cut(cookie, ";")
		run := f.do("POST", base+"/crons/dashboard/jobs/backup/run", "x=1", webtest.Form, "Origin: "+f.url, "Cookie: "+session)
		if to := run.Header.Get("Location"); run.Status != 303 || !strings.HasPrefix(to, base+"/crons/dashboard/runs/") {
			t.Errorf("%s: %d %s", base, run.Status, to)
		}
		run = f.do("POST", base+"/crons/backup/run", "{}", webtest.JSONBody, webtest.AsOperator)
		if to := run.Header.Get("Location"); run.Status != 202 || !strings.HasPrefix(to, base+"/crons/runs/") {
			t.Errorf("%s: %d %s", base, run.Status, to)
		}
		if next := f.do("GET", base+"/crons/runs?limit=1", "", webtest.AsOperator).Header.Get("Link"); !strings.HasPrefix(next, "<"+base+"/crons/runs?") {
			t.Errorf("%s: the next page is at %s", base, next)
		}
		doc := f.do("GET", base+"/crons/openapi.json", "", webtest.AsOperator)
		if !strings.Contains(doc.Body, `"servers":[{"url":"`+base+`"}]`) {
			t.Errorf("%s: %.200s", base, doc.Body)
		}
		out := f.do("POST", base+"/crons/logout", "", "Origin: "+f.url, "Cookie: "+session, "Accept: text/html")
		if to := out.Header.Get("Location"); to != base+"/crons/login" {
			t.Errorf("%s: the logout leads to %s", base, to)
		}
		if a := f.do("GET", base+"/crons/nowhere/at/all", "", webtest.AsOperator).Want(t, 404); !strings.Contains(a.Body, "nothing is served") {
			t.Error(a.Body)
		}
	}
}

// A parameter in the prefix may be whatever browsers leave as it is in a path.
func TestMountUnderAParameter(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	params := theirs()
	web.Mount(params.Group("/of/:tenant"), p.App, web.Options{})
	f := serve(t, params)
	for _, tenant := range []string{"a+b", "x=1", "a,b", "a&b", "5$", "what!", "all*", "~me@home:1", "%C3%A9"} {
		base := "/of/" + tenant
		if to := f.do("GET", base+"/crons/dashboard", "", "Accept: text/html").Header.Get("Location"); !strings.HasPrefix(to, base+"/crons/login?") {
			t.Errorf("%s: the login is at %s", base, to)
		}
		page := f.do("GET", base+"/crons/dashboard", "", webtest.AsOperator).Want(t, 200)
		if !strings.Contains(html.UnescapeString(page.Body), ` href="`+base+`/crons/dashboard/jobs"`) {
			t.Errorf("%s: the dashboard has no link to its jobs", base)
		}
		form := url.Values{"token": {webtest.OperatorToken}}.Encode()
		in := f.do("POST", base+"/crons/login", form, webtest.Form, "Origin: "+f.url)
		if cookie := in.Header.Get("Set-Cookie"); !strings.Contains(cookie, "path="+base+";") {
			t.Errorf("%s: the login is good for %s", base, cookie)
		}
	}
}

// What a proxy strips comes back in links: by CRON_BASE_PATH, or by the header of a proxy that is trusted.
func TestMountBehindAProxyThatStrips(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		webtest.SomeJobs(set)
		set.Env["CRON_BASE_PATH"], set.Env["CRON_TRUSTED_PROXIES"] = "/ops/", "127.0.0.1"
	})
	outer := theirs()
	web.Mount(outer.Group("/admin"), p.App, web.Options{})
	f := serve(t, outer)
	crawl(t, f, "/ops/admin", "/ops", webtest.AsOperator)
	crawl(t, f, "/team-a/Cron/admin", "/team-a/Cron", webtest.AsOperator, "X-Forwarded-Prefix: /team-a/Cron/")
	for header, base := range map[string]string{
		"X-Forwarded-Prefix: /x": "/x/admin", "X-Forwarded-Prefix: ": "/ops/admin",
		"X-Forwarded-Prefix: //evil.example": "/ops/admin", "X-Forwarded-Prefix: https://evil.example": "/ops/admin",
		`X-Forwarded-Prefix: /"><script>`: "/ops/admin", "X-Forwarded-Prefix: /a; Domain=evil": "/ops/admin", `X-Forwarded-Prefix: /\evil`: "/ops/admin",
	} {
		to := f.do("GET", "/admin/crons/dashboard", "", "Accept: text/html", header).Header.Get("Location")
		if to != base+"/crons/login?next="+url.QueryEscape(base+"/crons/dashboard") {
			t.Errorf("%s leads to %s, want %s", header, to, base)
		}
	}
	for _, two := range [][2]webtest.Header{{"X-Forwarded-Prefix: /client", "X-Forwarded-Prefix: /proxy"}, {"X-Forwarded-Prefix: /client,", "X-Forwarded-Prefix: /other, /proxy"}} {
		to := f.do("GET", "/admin/crons/dashboard", "", "Accept: text/html", two[0], two[1]).Header.Get("Location")
		if !strings.HasPrefix(to, "/proxy/admin/crons/login") {
			t.Errorf("%q lead to %s: what the proxy has added comes last", two, to)
		}
	}
	q := webtest.Start(t, webtest.SomeJobs)
	if to := q.Do("GET", "/crons/dashboard", "", "Accept: text/html", "X-Forwarded-Prefix: /x").Header.Get("Location"); !strings.HasPrefix(to, "/crons/login") {
		t.Errorf("a stranger's header leads to %s", to)
	}
}

// Outside of our paths an app stays what it was, and inside of them its error handler and limits do not count.
func TestMountLeavesTheRestAlone(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	outer := theirs()
	seen := atomic.Int64{}
	outer.Use(func(c *fiber.Ctx) error {
		err := c.Next()
		if strings.HasPrefix(c.Path(), "/admin/crons") {
			if err != nil || c.UserContext().Err() != nil {
				t.Errorf("%s: middleware around sees %v, and a context with %v", c.Path(), err, c.UserContext().Err())
			}
			seen.Add(1)
		}
		return err
	})
	web.Health(outer.Group("/admin"), p.App)
	web.Metrics(outer.Group("/admin"), p.App)
	web.Mount(outer.Group("/admin"), p.App, web.Options{})
	outer.Get("/view", func(c *fiber.Ctx) error { return c.Render("x", fiber.Map{}) })
	outer.Get("/admin/*", func(c *fiber.Ctx) error { return c.SendString("theirs below admin") })
	f := serve(t, outer)
	for path, want := range map[string]string{
		"/view": "theirs", "/admin/other": "theirs below admin", "/admin/cronsx": "theirs below admin", "/nowhere": "theirs: Cannot GET /nowhere", "/crons": "theirs: Cannot GET /crons",
	} {
		if a := f.do("GET", path, ""); a.Body != want || a.Header.Get("Content-Security-Policy") != "" {
			t.Errorf("%s: %d %s %v", path, a.Status, a.Body, a.Header)
		}
	}
	for path, status := range map[string]int{"/admin/crons/nobody": 404, "/admin/crons/backup/x/y": 404, "/admin/livez": 200, "/admin/readyz": 200, "/admin/metrics": 200, "/admin/crons?x=1": 400} {
		a := f.do("GET", path, "", webtest.AsOperator).Want(t, status)
		if strings.Contains(a.Body, "theirs") {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	f.do("POST", "/admin/crons/backup/run", `{"key":"`+strings.Repeat("x", 2<<20)+`"}`, webtest.JSONBody, webtest.AsOperator).Want(t, 413)
	if seen.Load() == 0 {
		t.Error("the middleware has seen nothing")
	}
}

// A body that the server left on the connection is bounded too.
func TestMountBoundsStreamedBodies(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	outer := fiber.New(fiber.Config{DisableStartupMessage: true, StreamRequestBody: true, BodyLimit: 1 << 30})
	web.Mount(outer, p.App, web.Options{})
	f := serve(t, outer)
	f.do("POST", "/crons/backup/run?wait=4m", `{"key":"`+strings.Repeat("x", 100)+`"}`, webtest.JSONBody, webtest.AsOperator).Want(t, 200)
	f.do("POST", "/crons/backup/run?wait=4m", "{"+strings.Repeat(" ", 900<<10)+"}", webtest.JSONBody, webtest.AsOperator).Want(t, 200)
	a, err := f.try("POST", "/crons/backup/run", strings.Repeat(" ", 100<<20), webtest.JSONBody, webtest.AsOperator)
	if err == nil {
		a.Want(t, 413)
	}
}

// A program that knows its users says who they are.
func TestMountAuthorize(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	outer := theirs()
	web.Mount(outer.Group("/admin"), p.App, web.Options{Authorize: func(c *fiber.Ctx) (web.Caller, error) {
		switch user := c.Get("X-User"); user {
		case "":
			if strings.Contains(c.Get("Accept"), "text/html") {
				return web.Caller{}, c.Redirect("/their/login", fiber.StatusSeeOther)
			}
			return web.Caller{}, nil
		case "banned":
			return web.Caller{}, fiber.NewError(403, "only for the team")
		case "broken":
			return web.Caller{}, errors.New("the directory of users is away: hunter2")
		case "panics":
			panic("hunter2")
		case "guest":
			return web.Caller{Role: web.Viewer, Name: user}, nil
		case "nameless":
			return web.Caller{Role: web.Operator}, nil
		case "level 3":
			return web.Caller{Role: 3, Name: user}, nil
		case "level -1":
			return web.Caller{Role: -1, Name: user}, nil
		default:
			return web.Caller{Role: web.Operator, Name: user}, nil
		}
	}})
	f := serve(t, outer)
	for _, test := range []struct {
		method, path, user string
		status             int
	}{
		{"GET", "/admin/crons", "", 401}, {"GET", "/admin/crons", "guest", 200}, {"GET", "/admin/crons", "ada", 200},
		{"GET", "/admin/crons", "banned", 403}, {"GET", "/admin/crons", "broken", 500}, {"GET", "/admin/crons", "panics", 500},
		{"POST", "/admin/crons/backup/pause", "", 401}, {"POST", "/admin/crons/backup/pause", "guest", 403},
		{"POST", "/admin/crons/backup/pause", "ada", 200}, {"POST", "/admin/crons/backup/resume", "nameless", 200},
		{"GET", "/admin/crons", "level 3", 401}, {"POST", "/admin/crons/backup/pause", "level 3", 401}, {"GET", "/admin/crons", "level -1", 401},
		{"GET", "/admin/crons/no/such/path", "", 401}, {"GET", "/admin/crons/login", "ada", 404}, {"POST", "/admin/crons/login", "ada", 405}, {"POST", "/admin/crons/logout", "ada", 405},
	} {
		a := f.do(test.method, test.path, "", "X-User: "+test.user)
		if a.Want(t, test.status); strings.Contains(a.Body, "hunter2") || strings.Contains(a.Body, "token") {
			t.Errorf("%s %s as %q: %s", test.method, test.path, test.user, a.Body)
		}
	}
	// Tokens open nothing.
	f.do("GET", "/admin/crons", "", webtest.AsOperator).Want(t, 401)
	// CSRF and Host are checked as before.
	f.do("POST", "/admin/crons/backup/pause", "", "X-User: ada", "Origin: https://evil.example").Want(t, 403)
	f.do("POST", "/admin/crons/backup/pause", "x=1", "X-User: ada", webtest.Form).Want(t, 415)
	f.do("GET", "/admin/crons", "", "X-User: ada", "Host: app.example").Want(t, 200)

	to := f.do("GET", "/admin/crons/dashboard", "", "Accept: text/html")
	if to.Status != 303 || to.Header.Get("Location") != "/their/login" {
		t.Errorf("%d %v", to.Status, to.Header)
	}
	script := f.do("GET", "/admin/crons/dashboard", "", "Accept: text/html", "HX-Request: true")
	if script.Status != 200 || script.Header.Get("HX-Redirect") != "/their/login" {
		t.Errorf("%d %v", script.Status, script.Header)
	}
	page := f.do("GET", "/admin/crons/dashboard", "", "X-User: guest", "Accept: text/html").Body
	if strings.Contains(page, "/crons/login") || strings.Contains(page, "/crons/logout") || !strings.Contains(page, "/admin/crons/dashboard") {
		t.Error("the page of a program with its own users offers our login")
	}
	crawl(t, f, "/admin", "", "X-User: ada")
	entries, err := p.App.Store.Audits(t.Context(), "backup", 0, 10)
	if err != nil || len(entries) != 2 || entries[1].Actor != "ada" || entries[0].Actor != "operator" {
		t.Errorf("%+v %v", entries, err)
	}
}

// An app that is not Immutable reuses the memory of a request, so no string of one may be kept.
func TestMountKeepsNoStringOfARequest(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		for i := range 20 {
			set.Registry.Register(fmt.Sprintf("job-%02d", i), "0 0 1 1 *", webtest.Succeed)
		}
	})
	outer := fiber.New(fiber.Config{DisableStartupMessage: true})
	web.Mount(outer.Group("/:tenant"), p.App, web.Options{Authorize: func(c *fiber.Ctx) (web.Caller, error) {
		return web.Caller{Role: web.Operator, Name: c.Get("X-User")}, nil
	}})
	f := serve(t, outer)
	const workers, each = 8, 40
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				n := w*each + i
				job, user, base := fmt.Sprintf("job-%02d", n%20), fmt.Sprintf("user-%04d", n), fmt.Sprintf("/tenant-%d", n%7)
				key, id := fmt.Sprintf("key-%04d", n), fmt.Sprintf("request-%04d", n)
				a, err := f.try("POST", base+"/crons/"+job+"/run?wait=4m", `{"key":"`+key+`"}`, webtest.JSONBody, "X-User: "+user, "X-Request-ID: "+id, "X-Forwarded-For: "+user)
				if err != nil || a.Status != 200 && a.Status != 409 {
					t.Errorf("%d %s %v", a.Status, a.Body, err)
					return
				}
				var run cron.Record
				if a.Status == 200 {
					if err := json.Unmarshal([]byte(a.Body), &run); err != nil || run.Job != job || run.Key != key || run.Actor != user {
						t.Errorf("run %s %s %s, want %s %s %s", run.Job, run.Key, run.Actor, job, key, user)
					}
				}
				f.try("GET", base+"/crons/"+strings.Repeat("z", 1+n%60), "", "X-User: "+strings.Repeat("y", 1+n%60), "X-Request-ID: "+strings.Repeat("x", 1+n%60))
				if a, err := f.try("GET", base+"/crons/dashboard/jobs/"+job, "", "X-User: "+user); err != nil || a.Status != 200 || strings.Count(a.Body, base+"/crons/") < 10 || !strings.Contains(a.Body, `hx-get="`+base+"/crons/dashboard/jobs/"+job+`"`) {
					t.Errorf("%d %v", a.Status, err)
				}
			}
		})
	}
	wg.Wait()
	seen := 0
	for before := int64(0); ; {
		entries, err := p.App.Store.Audits(t.Context(), "", before, 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			n := strings.TrimPrefix(e.Actor, "user-")
			if e.RequestID != "request-"+n || !strings.Contains(e.Origin, "(forwarded for user-"+n+")") || len(n) != 4 {
				t.Errorf("%+v", e)
			}
			seen++
			before = e.ID
		}
		if len(entries) < 500 {
			break
		}
	}
	if seen < workers*each/4 {
		t.Errorf("only %d entries in the audit log", seen)
	}
}

// Two applications in one process, under two prefixes, do not see each other.
func TestTwoAppsInOneProcess(t *testing.T) {
	outer := theirs()
	for _, name := range []string{"one", "two"} {
		cfg, _, err := env.Load(env.File(""), env.Env(map[string]string{
			"DATABASE_URL": "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "crons.db")), "CRON_OPERATOR_TOKEN": strings.Repeat(name, 20), "LOG_LEVEL": "error",
		}))
		if err != nil {
			t.Fatal(err)
		}
		registry := cron.NewRegistry()
		registry.Register("only-in-"+name, "0 0 1 1 *", webtest.Succeed)
		a, err := app.New(t.Context(), cfg, registry)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
		web.Mount(outer.Group("/"+name), a, web.Options{})
	}
	f := serve(t, outer)
	as := func(name string) webtest.Header { return "Authorization: Bearer " + strings.Repeat(name, 20) }
	for name, other := range map[string]string{"one": "two", "two": "one"} {
		f.do("GET", "/"+name+"/crons", "", as(other)).Want(t, 401)
		a := f.do("GET", "/"+name+"/crons", "", as(name)).Want(t, 200)
		if !strings.Contains(a.Body, "only-in-"+name) || strings.Contains(a.Body, "only-in-"+other) {
			t.Error(a.Body)
		}
		form := url.Values{"token": {strings.Repeat(name, 20)}}.Encode()
		session, _, _ := strings.Cut(f.do("POST", "/"+name+"/crons/login", form, webtest.Form, "Origin: "+f.url).Header.Get("Set-Cookie"), ";")
		f.do("GET", "/"+name+"/crons", "", "Cookie: "+session).Want(t, 200)
		f.do("GET", "/"+other+"/crons", "", "Cookie: "+session).Want(t, 401)
	}
}

// Streams and waits end when the app around them shuts down.
func TestMountEndsStreamsAtShutdown(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set) })
	outer := theirs()
	web.Mount(outer.Group("/admin"), p.App, web.Options{})
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- outer.Listener(ln) }()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ln.Addr().String()+"/admin/crons/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+webtest.ViewerToken)
	stream, err := webtest.Client.Do(req)
	if err != nil || stream.StatusCode != http.StatusOK {
		t.Fatal(stream, err)
	}
	defer stream.Body.Close()
	ended := make(chan []byte, 1)
	go func() {
		rest, _ := io.ReadAll(stream.Body)
		ended <- rest
	}()
	if err := outer.ShutdownWithTimeout(webtest.Patience); err != nil {
		t.Error(err)
	}
	select {
	case rest := <-ended:
		if !bytes.Contains(rest, []byte("id: ")) {
			t.Errorf("%q", rest)
		}
	case <-time.After(webtest.Patience):
		t.Error("the stream goes on")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := p.App.Crons.By(contract.Caller{Actor: "test"}).Pause(t.Context(), contract.Pause{Job: "backup"}); err != nil {
		t.Error(err) // the application lives on
	}
}
