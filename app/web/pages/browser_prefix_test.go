package pages_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/gofiber/fiber/v2"

	"fibercrons/app/internal/webtest"
	"fibercrons/app/web"
)

// nginxConfig is a configuration of nginx, around the locations that users copy.
const nginxConfig = `
daemon off;
pid %[1]s/nginx.pid;
error_log stderr warn;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	server {
		listen 127.0.0.1:%[2]s;
		%[3]s
	}
}
`

func TestBrowserBehindNginx(t *testing.T) {
	nginx := os.Getenv("TEST_NGINX")
	if nginx == "" {
		t.Skip("TEST_NGINX is not set: it is the path of an nginx to test with")
	}
	shipped, err := os.ReadFile("../../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	for name, how := range map[string]struct{ base, proxies string }{
		"by CRON_BASE_PATH":     {"/ops", ""},
		"by X-Forwarded-Prefix": {"", "127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			p := webtest.Start(t, func(set *webtest.Setup) {
				officeJobs(set)
				set.Env["CRON_BASE_PATH"], set.Env["CRON_TRUSTED_PROXIES"] = how.base, how.proxies
			})
			dir, port := t.TempDir(), freePort(t)
			config := filepath.Join(dir, "nginx.conf")
			if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, port, strings.ReplaceAll(string(shipped), "http://127.0.0.1:3000", p.URL())), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(nginx, "-e", "stderr", "-p", dir, "-c", config)
			cmd.Stderr = os.Stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Error(err)
				}
				_ = cmd.Wait()
			})
			at := "http://127.0.0.1:" + port + "/ops"
			p.Eventually(func() bool {
				resp, err := webtest.Client.Get(at + "/livez")
				if err == nil {
					resp.Body.Close()
				}
				return err == nil && resp.StatusCode == http.StatusOK
			})
			drive(t, p, at)
		})
	}
}

func TestBrowserUnderAPrefix(t *testing.T) {
	p := webtest.Start(t, officeJobs)
	outer := fiber.New(fiber.Config{DisableStartupMessage: true})
	web.Mount(outer.Group("/admin"), p.App, web.Options{})
	drive(t, p, "http://"+webtest.Serve(t, outer)+"/admin")
}

// drive uses the dashboard at an address: what it loads, where it leads, its forms, its events.
func drive(t *testing.T, p *webtest.Program, at string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	b := browse(t, p)
	b.at = at
	b.open("/crons/dashboard/jobs?q=quick") // asks for a login, and comes back
	b.until(`location.pathname === "` + u.Path + `/crons/login"`)
	b.fill("#token", webtest.OperatorToken)
	b.click("form button")
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/jobs"`)
	b.until(`document.querySelector("#link .says").textContent === "live"`)
	b.click(`a.name`)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/jobs/` + `" + document.querySelector("h1").innerText`)
	b.open("/crons/dashboard/jobs/quick")
	b.click(`[popovertarget="run-form"]`)
	b.click(`#run-form button.primary`)
	b.until(`location.pathname.startsWith("` + u.Path + `/crons/dashboard/runs/")`)
	b.until(`document.querySelector(".head .s-succeeded")`)
	b.text(`["g", "t"].forEach((key) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true})))`)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/timeline"`)
	b.open("/crons/dashboard/schedules/new?job=quick")
	b.fill("[name=id]", "a/b c")
	b.fill("[name=expr]", "@daily")
	b.until(`document.querySelectorAll("#preview .slots li").length === 10`)
	b.click(`#schedule .primary`)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/schedule" && document.querySelector("h1").innerText === "a/b c"`)
	b.click(`#actions a`)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/schedule/edit"`)
	b.click(`#schedule .primary`)
	b.until(`document.querySelector(".flash")?.innerText.includes("nothing had changed")`)
	b.click(`.crumbs a`)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard/schedules" && document.querySelector("tr[data-row] a.name").innerText === "a/b c"`)
	b.open("/crons/docs")
	b.until(`getComputedStyle(document.querySelector("main")).maxWidth === "960px"`) // the style sheet is there
	b.open("/crons/dashboard")
	b.click(`form[action$="/crons/logout"] button`)
	b.until(`location.pathname === "` + u.Path + `/crons/login"`)
	if leaks := b.text(`document.cookie`); strings.Contains(leaks, "crons") {
		t.Errorf("a script can read %s", leaks)
	}
	// The link that the server prints logs in at once. (A fragment alone would load nothing.)
	b.do(chromedp.Navigate("about:blank"))
	b.open("/crons/login#token=" + webtest.OperatorToken)
	b.until(`location.pathname === "` + u.Path + `/crons/dashboard"`)
}

func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}
