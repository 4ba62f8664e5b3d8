package web_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	_ "fibercrons/app/metrics"
	"fibercrons/app/part"
	"fibercrons/app/web"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// Wherever /crons is mounted and however its paths are spelled, nothing answers without the role it needs.
func TestNothingAnswersWithoutItsRole(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Asleep = true })
	webs := map[string]*fiber.App{"": p.Fiber}
	for _, config := range []fiber.Config{{}, {CaseSensitive: true, StrictRouting: true}, {UnescapePath: true}} {
		config.ErrorHandler = func(c *fiber.Ctx, err error) error { return reply.Fail(c, request.ID(c), err) }
		mounted, grouped := fiber.New(config), fiber.New(config)
		mounted.Mount("/ops", webtest.Fiber(p.App))
		web.Mount(grouped.Group("/ops"), p.App, web.Options{})
		name := strconv.FormatBool(config.StrictRouting) + strconv.FormatBool(config.UnescapePath)
		webs["/ops mounted "+name], webs["/ops grouped "+name] = mounted, grouped
	}
	spellings := map[string]func(string) string{
		"plain":    func(path string) string { return path },
		"upper":    strings.ToUpper,
		"slash":    func(path string) string { return path + "/" },
		"doubled":  func(path string) string { return strings.Replace(path, "/crons", "//crons", 1) },
		"inside":   func(path string) string { return strings.Replace(path, "/crons", "/crons/", 1) },
		"escaped":  func(path string) string { return strings.Replace(path, "/crons", "/%63rons", 1) },
		"slashed":  func(path string) string { return strings.Replace(path, "/crons/", "/crons%2F", 1) },
		"dotted":   func(path string) string { return strings.Replace(path, "/crons", "/x/../crons", 1) },
		"dot":      func(path string) string { return strings.Replace(path, "/crons", "/./crons", 1) },
		"unlisted": func(path string) string { return path + "/none" },
	}
	tried, refused := 0, 0
	for name, served := range webs {
		prefix, _, _ := strings.Cut(name, " ")
		for _, row := range web.Table(p.App) {
			if row.Role == access.Nobody {
				continue
			}
			for how, spell := range spellings {
				path := prefix + spell(strings.NewReplacer(":name", "hello", ":id", "none").Replace(row.Path))
				for who, headers := range map[string][]webtest.Header{
					"nobody":         nil,
					"a wrong token":  {"Authorization: Bearer wrong-" + strconv.Itoa(tried)},
					"a forged login": {"Cookie: crons_0=AAAA", "Origin: http://localhost"},
					"a viewer":       {webtest.AsViewer},
					"a foreign name": {webtest.AsOperator, "Host: evil.example"},
					"a foreign page": {webtest.AsOperator, "Origin: https://evil.example"},
				} {
					if row.Role == access.Viewer && who == "a viewer" || row.Method == http.MethodGet && who == "a foreign page" { // which cannot read the answer
						continue
					}
					tried++
					status := ask(t, served, row.Method, path, headers...)
					if status >= 400 && status != 500 || status == http.StatusSeeOther && row.Page && who != "a foreign name" {
						refused++
						continue
					}
					t.Errorf("%s, %s: %s %s as %s: status %d", name, how, row.Method, path, who, status)
				}
			}
		}
	}
	if tried < 5000 || refused != tried {
		t.Errorf("%d of %d requests were refused", refused, tried)
	}
	if job, err := p.App.Crons.Job(t.Context(), "hello"); err == nil && job.Paused {
		t.Error("a job was paused")
	}
	if entries, err := p.App.Store.Audits(t.Context(), "", 0, 10); err != nil || len(entries) != 0 {
		t.Errorf("%v %v", entries, err)
	}
}

// The guards let the right ones in, under a prefix as well: else the test above passes on nothing.
func TestMountedRoutesAnswerTheirRole(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Asleep = true })
	outer := fiber.New()
	outer.Mount("/ops", webtest.Fiber(p.App))
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/ops/crons", 200}, {"GET", "/ops/crons/dashboard", 200}, {"GET", "/ops/CRONS", 200},
		{"POST", "/ops/crons/backup/pause", 200}, {"POST", "/ops/Crons/backup/resume", 200},
		{"OPTIONS", "/ops/crons/backup/pause", 204}, {"DELETE", "/ops/crons/backup/pause", 405}, {"GET", "/ops/crons/no/such/path", 404},
	} {
		if status := ask(t, outer, test.method, test.path, webtest.AsOperator); status != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, status, test.status)
		}
	}
}

// ask sends a request without a network.
func ask(t *testing.T, web *fiber.App, method, path string, headers ...webtest.Header) int {
	t.Helper()
	req := httptest.NewRequest(method, "/", nil)
	req.URL = &url.URL{Opaque: path}
	req.RequestURI, req.Host = path, "localhost"
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := web.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// No job can have the name of a path.
func TestFixedWordsAreReserved(t *testing.T) {
	words := map[string]bool{}
	for _, row := range web.Table(webtest.Start(t, func(set *webtest.Setup) { set.Asleep = true }).App) {
		if word, _, _ := strings.Cut(strings.TrimPrefix(row.Path, "/crons/"), "/"); word != "" && word[0] != ':' && row.Path != "/crons" {
			words[word] = true
		}
	}
	if len(words) < 10 {
		t.Errorf("only %d words", len(words))
	}
	for word := range words {
		r := cron.NewRegistry()
		r.Register(word, "@daily", webtest.Succeed)
		if _, err := r.Jobs(cron.Defaults{}); err == nil || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("a job may be called %s: %v", word, err)
		}
	}
}

// The addresses that CRON_TRUSTED_PROXIES names are believed, and nobody else is.
func TestTrustedProxies(t *testing.T) {
	wrong := func(p *webtest.Program, i int, headers ...webtest.Header) int {
		return p.Do("POST", "/crons/hello/resume", "", append(headers, "Authorization: Bearer wrong-"+strconv.Itoa(i))...).Status
	}
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["CRON_TRUSTED_PROXIES"] = "127.0.0.1, 10.0.0.0/8" })
	for i := range 30 { // one guesses, through two proxies, and writes addresses of others in front of his own
		status := wrong(p, i, "X-Forwarded-For: 192.0.2."+strconv.Itoa(i)+", 198.51.100.7, 10.1.2.3")
		if want := map[bool]int{false: 401, true: 429}[i >= 10]; status != want {
			t.Fatalf("guess %d: status %d, want %d", i+1, status, want)
		}
	}
	if status := wrong(p, 100, "X-Forwarded-For: 198.51.100.8"); status != 401 {
		t.Errorf("another client: status %d", status)
	}
	p.Write("/crons/hello/pause", "", "X-Forwarded-For: 198.51.100.9").Want(t, 200)
	if from := webtest.Decode[[]contract.AuditEntry](t, p.Read("/crons/audit"))[0].Origin; from != "198.51.100.9 (through 127.0.0.1)" {
		t.Errorf("the audit says %q", from)
	}
	own := []webtest.Header{"X-Forwarded-Host: crons.example", "X-Forwarded-Proto: https", "Origin: https://crons.example", webtest.JSONBody}
	if a := p.Do("POST", "/crons/login", `{"token":"`+webtest.OperatorToken+`"}`, own...).Want(t, 200); !webtest.CookieOf(t, a).Secure {
		t.Error("the cookie is not Secure")
	}
	other := webtest.Start(t, nil)
	other.Do("POST", "/crons/login", `{"token":"`+webtest.OperatorToken+`"}`, own...).Want(t, 403)
}

// A token that is tried from many addresses is slowed down as well, and one that a program keeps sending
// does not use up what others behind its proxy may try.
func TestStaleTokenHarmsNobody(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["CRON_TRUSTED_PROXIES"] = "127.0.0.1" })
	try := func(from, token string) int {
		return p.Do("GET", "/crons", "", "X-Forwarded-For: "+from, "Authorization: Bearer "+token).Status
	}
	for i := range 20 {
		if want := map[bool]int{false: 401, true: 429}[i >= 10]; try("192.0.2.1", "stale") != want {
			t.Fatalf("try %d: want %d", i+1, want)
		}
	}
	if status := try("192.0.2.1", "typo"); status != 401 {
		t.Errorf("another token from there: status %d", status)
	}
	if status := try("192.0.2.2", "stale"); status != 429 {
		t.Errorf("the same token from elsewhere: status %d", status)
	}
}

// A route of the user's has what a job has.
func TestRequestsCarryTheApp(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		set.Mount = func(r fiber.Router) {
			r.Get("/mine", func(c *fiber.Ctx) error {
				var n int
				if err := app.DB(c.UserContext()).Raw("SELECT 41 + 1").Scan(&n).Error; err != nil {
					return err
				}
				return c.SendString(strconv.Itoa(n) + " " + app.Config(c.UserContext()).AppEnv)
			})
		}
	})
	if a := p.Do("GET", "/mine", "").Want(t, 200); a.Body != "42 development" {
		t.Error(a.Body)
	}
}

func TestEveryRouteIsDescribedAndServed(t *testing.T) {
	p := webtest.Start(t, nil)
	doc := p.Describe()

	served := map[string]bool{}
	param := regexp.MustCompile(`:(\w+)`)
	for _, row := range web.Table(p.App) {
		path := param.ReplaceAllString(row.Path, "{$1}")
		if strings.HasPrefix(path, "/crons/login/") || strings.HasPrefix(path, "/crons/dashboard") {
			continue // files and pages
		}
		if path == "/crons/schedules/*" {
			continue // those of {id}, with slashes that are not escaped
		}
		served[row.Method+" "+path] = true
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		served["GET "+path] = true
		p.Read(path).Want(t, http.StatusOK)
	}
	told := map[string]bool{}
	for path, methods := range doc.Paths {
		for method := range methods {
			told[method+" "+path] = true
		}
	}
	for route := range served {
		if !told[route] {
			t.Errorf("%s is served, and openapi.yaml does not know it", route)
		}
	}
	for route := range told {
		if !served[route] {
			t.Errorf("%s is in openapi.yaml, and is not served", route)
		}
	}
	if len(served) < 15 {
		t.Errorf("only %d routes were looked at", len(served))
	}
}

// Without the part a scrape is told what is missing.
func TestMetricsAreAPart(t *testing.T) {
	p := webtest.Start(t, nil)
	a := *p.App
	a.Metrics = part.Unmetered
	f := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error { return c.Status(fiber.StatusTeapot).SendString(err.Error()) }})
	web.Metrics(f, &a)
	req := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
	req.Host = "127.0.0.1"
	req.Header.Set("Authorization", "Bearer "+webtest.ViewerToken)
	resp, err := f.Test(req, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusNotFound || !strings.Contains(string(text), "cli add metrics") {
		t.Errorf("%d %s (%v)", resp.StatusCode, text, err)
	}
}
