package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
)

// What is secret in the settings, or was sent as one, appears in no log, no answer and no database.
func TestSecretsAppearNowhere(t *testing.T) {
	const planted = "planted-secret-"
	folder := t.TempDir()
	p := webtest.Start(t, func(set *webtest.Setup) {
		webtest.Outward(set)
		set.Env["CRON_OPERATOR_TOKEN"] = planted + "operator"
		set.Env["CRON_VIEWER_TOKEN"] = planted + "viewer"
		set.Env["DATABASE_URL"] = "sqlite://" + filepath.ToSlash(filepath.Join(folder, "crons.db"))
		set.Registry.Register("chatty", "@yearly", func(ctx context.Context) error {
			slog.InfoContext(ctx, "calling", "password", planted+"attr", slog.Group("auth", "api_token", planted+"group"))
			return errors.New("no luck")
		}, cron.Ping("http://me:"+planted+"user@127.0.0.1:1/"+planted+"path?key="+planted+"ping"))
		set.Mount = func(r fiber.Router) {
			r.Get("/broken", func(*fiber.Ctx) error { return errors.New("open: no such host") })
			r.Get("/panics", func(*fiber.Ctx) error { panic("at the disco") })
		}
	})
	operator := "Authorization: Bearer " + planted + "operator"
	viewer := "Authorization: Bearer " + planted + "viewer"
	q := url.QueryEscape(planted + "query")

	var answers []webtest.Answer
	ask := func(method, path, body string, headers ...webtest.Header) webtest.Answer {
		t.Helper()
		a := p.Do(method, path, body, append(headers, "User-Agent: "+planted+"agent", "Referer: http://localhost/#"+planted+"referer")...)
		answers = append(answers, a)
		return a
	}
	login := ask("POST", "/crons/login", `{"token":"`+planted+`operator"}`, webtest.JSONBody).Want(t, 200)
	cookie := webtest.CookieOf(t, login)
	with := "Cookie: " + cookie.Name + "=" + cookie.Value
	ask("POST", "/crons/login", "token="+planted+"wrong", webtest.Form)
	ask("POST", "/crons/login", `{"token":"`+planted+`wrong"}`, webtest.JSONBody).Want(t, 401)
	ask("POST", "/crons/login?token="+q, "", webtest.JSONBody).Want(t, 401)
	ask("GET", "/crons/login?token="+q, "").Want(t, 200)
	ask("GET", "/crons", "", "Authorization: Bearer "+planted+"wrong").Want(t, 401)
	ask("GET", "/crons", "", "Authorization: Basic "+planted+"basic").Want(t, 401)
	ask("GET", "/crons?token="+q, "", operator).Want(t, 400)
	ask("GET", "/crons?limit="+q, "", operator).Want(t, 400)
	ask("GET", "/crons", "", viewer).Want(t, 200)
	ask("POST", "/crons/chatty/run?wait=4m", "", with, "Origin: "+p.URL()).Want(t, 200)
	run := webtest.Decode[cron.Record](t, ask("POST", "/crons/chatty/run?wait=4m", "", operator).Want(t, 200))
	ask("POST", "/crons/chatty/run", `{"args":{"password":"`+planted+`args"}}`, operator, webtest.JSONBody).Want(t, 400)
	ask("POST", "/crons/chatty/pause", `{"reason":7,"until":"`+planted+`until"}`, operator, webtest.JSONBody).Want(t, 400)
	ask("POST", "/crons/chatty/pause", planted+"body", operator, webtest.JSONBody).Want(t, 400)
	for _, path := range []string{"/livez", "/readyz", "/broken", "/panics", "/crons", "/crons/chatty", "/crons/runs", "/crons/runs/" + run.ID,
		"/crons/runs/" + run.ID + "/logs", "/crons/audit", "/crons/instances", "/crons/docs", "/crons/openapi.json", "/crons/login", "/crons/none"} {
		ask("GET", path, "", operator)
	}
	if back := p.Raw("GET /crons HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + planted + "raw\r\nbad header " + planted + "\r\n\r\n"); strings.Contains(back, planted) {
		t.Errorf("a broken request is repeated:\n%s", back)
	}

	for _, a := range answers {
		for name, values := range a.Header {
			if strings.Contains(strings.Join(values, " "), planted) {
				t.Errorf("in the header %s: %v", name, values)
			}
		}
		if strings.Contains(a.Body, planted) {
			t.Errorf("in an answer: %s", a.Body)
		}
	}
	if log := p.Log.String(); strings.Contains(log, planted) || strings.Contains(log, cookie.Value) || len(log) < 1000 {
		t.Errorf("in the log, which has %d bytes:\n%s", len(log), lineWith(log, planted))
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), planted) {
			t.Errorf("in the database, file %s", filepath.Base(file))
		}
	}
}

func lineWith(text, word string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}
