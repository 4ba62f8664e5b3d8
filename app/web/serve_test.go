package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fibercrons/app/web"

	"github.com/gofiber/fiber/v2"
)

// SIGTERM: requests in work are finished, nothing new is taken, and the server says it is not ready.
func TestShutdown(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	p := start(t, func(set *setup) {
		set.mount = func(s *web.Server) {
			s.Web().Get("/slow", func(c *fiber.Ctx) error {
				entered <- true
				<-leave
				if err := c.UserContext().Err(); err != nil {
					return err // what it was working on would have been cut off
				}
				return c.SendString("done")
			})
		}
	})
	p.do("GET", "/readyz", "").want(t, 200)

	got := make(chan answer, 1)
	go func() { a, _ := p.try("GET", "/slow", ""); got <- a }()
	<-entered
	p.stop()
	p.eventually(func() bool { _, err := p.try(http.MethodGet, "/livez", "", "Connection: close"); return err != nil })
	select {
	case err := <-p.ended:
		t.Fatalf("Serve returned before the request was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if a := <-got; a.status != 200 || a.body != "done" {
		t.Errorf("%d %s", a.status, a.body)
	}
	err := <-p.ended
	p.ended <- err // for the clean-up
	if err != nil {
		t.Error(err)
	}
	req, err := http.NewRequest(http.MethodGet, "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost"
	resp, err := p.Web().Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("ready with status %d after the end", resp.StatusCode)
	}
}

// Idle connections are nothing to wait for.
func TestShutdownIsQuick(t *testing.T) {
	p := start(t, func(set *setup) { set.limits.Drain = 2 * patience })
	p.do("GET", "/livez", "").want(t, 200)
	begin := time.Now()
	p.stop()
	err := <-p.ended
	p.ended <- err
	if took := time.Since(begin); took > patience || err != nil {
		t.Errorf("%s %v", took, err)
	}
}

func TestNotReadyUntilTheClockTicks(t *testing.T) {
	p := start(t, func(set *setup) { set.asleep = true })
	p.do("GET", "/livez", "").want(t, 200)
	a := p.do("GET", "/readyz", "").want(t, 503)
	if !strings.Contains(a.body, `"detail":"the scheduler has not started"`) || !strings.Contains(a.body, `"part":"scheduler"`) {
		t.Errorf("it does not say why: %s", a.body)
	}
	if !strings.Contains(p.log.String(), "has not started") {
		t.Error("the log does not say why")
	}
}

func TestTakenPortIsASentence(t *testing.T) {
	p := start(t, nil)
	_, port, _ := strings.Cut(p.Addr(), ":")
	cfg := p.app.Config
	for _, c := range []struct{ host, port, want string }{
		{"127.0.0.1", port, "listen on 127.0.0.1:" + port + ": the port is taken; stop the program that has it, or set PORT to another one"},
		{"192.0.2.1", "0", "listen on 192.0.2.1:0: this machine has no such address; set HOST to one it has, or to 0.0.0.0 for all"},
	} {
		other := *p.app
		other.Config = cfg
		other.Config.Host, other.Config.Port = c.host, 0
		for _, digit := range c.port {
			other.Config.Port = other.Config.Port*10 + int(digit-'0')
		}
		if err := web.New(&other, web.Limits{}, web.All).Listen(t.Context()); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestURL(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1": "http://127.0.0.1:", "0.0.0.0": "http://localhost:", "localhost": "http://localhost:"} {
		p := start(t, func(set *setup) { set.env["HOST"] = host })
		if !strings.HasPrefix(p.URL(), want) {
			t.Errorf("HOST=%s: %s", host, p.URL())
		}
	}
}
