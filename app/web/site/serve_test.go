package site_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/internal/webtest"
	"fibercrons/app/web/site"
)

// SIGTERM: requests in work are finished, nothing new is taken, and the server says it is not ready.
func TestShutdown(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	p := webtest.Start(t, func(set *webtest.Setup) {
		set.Mount = func(r fiber.Router) {
			r.Get("/slow", func(c *fiber.Ctx) error {
				entered <- true
				<-leave
				if err := c.UserContext().Err(); err != nil {
					return err // what it was working on would have been cut off
				}
				c.Path("/readyz")
				return c.RestartRouting()
			})
		}
	})
	p.Do("GET", "/readyz", "").Want(t, 200)

	got := make(chan webtest.Answer, 1)
	go func() { a, _ := p.Try("GET", "/slow", ""); got <- a }()
	<-entered
	p.Stop()
	p.Eventually(func() bool { _, err := p.Try(http.MethodGet, "/livez", "", "Connection: close"); return err != nil })
	select {
	case err := <-p.Ended:
		t.Fatalf("Serve returned before the request was answered: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(leave)
	if a := <-got; a.Status != 503 || !strings.Contains(a.Body, "the server is stopping") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	err := <-p.Ended
	p.Ended <- err // for the clean-up
	if err != nil {
		t.Error(err)
	}
}

// Idle connections are nothing to wait for.
func TestShutdownIsQuick(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Limits.Drain = 2 * webtest.Patience })
	p.Do("GET", "/livez", "").Want(t, 200)
	begin := time.Now()
	p.Stop()
	err := <-p.Ended
	p.Ended <- err
	if took := time.Since(begin); took > webtest.Patience || err != nil {
		t.Errorf("%s %v", took, err)
	}
}

func TestNotReadyUntilTheClockTicks(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Asleep = true })
	p.Do("GET", "/livez", "").Want(t, 200)
	a := p.Do("GET", "/readyz", "").Want(t, 503)
	if !strings.Contains(a.Body, `"detail":"the scheduler has not started"`) || !strings.Contains(a.Body, `"part":"scheduler"`) {
		t.Errorf("it does not say why: %s", a.Body)
	}
	if !strings.Contains(p.Log.String(), "has not started") {
		t.Error("the log does not say why")
	}
}

func TestTakenPortIsASentence(t *testing.T) {
	p := webtest.Start(t, nil)
	_, port, _ := strings.Cut(p.Addr(), ":")
	cfg := p.App.Config
	for _, c := range []struct{ host, port, want string }{
		{"127.0.0.1", port, "listen on 127.0.0.1:" + port + ": the port is taken; stop the program that has it, or set PORT to another one"},
		{"192.0.2.1", "0", "listen on 192.0.2.1:0: this machine has no such address; set HOST to one it has, or to 0.0.0.0 for all"},
	} {
		other := *p.App
		other.Config = cfg
		other.Config.Host, other.Config.Port = c.host, 0
		for _, digit := range c.port {
			other.Config.Port = other.Config.Port*10 + int(digit-'0')
		}
		if err := site.New(&other, site.Limits{}, webtest.All).Listen(t.Context()); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

func TestURL(t *testing.T) {
	for host, want := range map[string]string{"127.0.0.1": "http://127.0.0.1:", "0.0.0.0": "http://localhost:", "localhost": "http://localhost:"} {
		p := webtest.Start(t, func(set *webtest.Setup) { set.Env["HOST"] = host })
		if !strings.HasPrefix(p.URL(), want) {
			t.Errorf("HOST=%s: %s", host, p.URL())
		}
	}
}
