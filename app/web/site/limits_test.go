package site_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/internal/webtest"
	"fibercrons/app/web/site"
)

func TestLimitsOfOneRequest(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	deep := func(n int) string {
		return `{"args":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + "}"
	}
	tests := []struct {
		name, body string
		headers    []webtest.Header
		status     int
	}{
		{"5 MB", `{"key":"` + strings.Repeat("x", 5<<20) + `"}`, nil, 413},
		{"a little over 1 MiB", `{"key":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413},
		{"a little under 1 MiB", `{"key":"` + strings.Repeat("x", 1<<20-100) + `"}`, nil, 400},
		{"10,000 deep", deep(10_000), nil, 400},
		{"10,000 brackets", strings.Repeat("[", 10_000), nil, 400},
		{"10,000 brackets in args", `{"args":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + "}", nil, 400},
		{"65 deep", deep(64), nil, 400},
		{"brackets in a text", `{"args":{},"key":"` + strings.Repeat("[", 150) + `\"{"}`, nil, 202},
		{"20 KB of headers", "", []webtest.Header{"X-Long: " + strings.Repeat("x", 20<<10)}, 431},
		{"20 KB of cookies", "", []webtest.Header{"Cookie: a=" + strings.Repeat("x", 20<<10)}, 431},
	}
	for _, test := range tests {
		a := p.Do("POST", "/crons/stay/run", test.body, append(test.headers, webtest.AsOperator, webtest.JSONBody)...).Want(t, test.status)
		if test.status != 202 && a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", test.name, a.Header)
		}
	}
	if a := p.Read("/crons?q=" + strings.Repeat("x", 20<<10)); a.Status != 431 {
		t.Errorf("a long line: %d", a.Status)
	}
}

// Whoever sends a byte at a time is cut off, however long it goes on, and disturbs nobody meanwhile.
func TestTricklingConnections(t *testing.T) {
	const many = 500
	p := webtest.Start(t, func(set *webtest.Setup) { set.Limits = site.Limits{Read: time.Second, Idle: time.Second} })
	starts := []string{
		"GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"POST /crons/hello/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
		"POST /crons/hello/run HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"G",
		"", // says nothing at all
	}
	var wg, opened sync.WaitGroup
	opened.Add(many)
	errs := make([]error, many)
	for i := range many {
		wg.Go(func() { errs[i] = trickle(p.Addr(), starts[i%len(starts)], opened.Done) })
	}
	opened.Wait()
	for range 20 {
		p.Do(http.MethodGet, "/livez", "").Want(t, 200)
	}
	wg.Wait()
	for i := range many {
		if errs[i] != nil {
			t.Fatalf("connection %d: %v", i, errs[i])
		}
	}
}

// trickle sends a byte every 20 ms until the server closes the connection. It calls opened once.
func trickle(addr, begin string, opened func()) error {
	conn, err := net.Dial("tcp", addr)
	opened()
	if err != nil {
		return err
	}
	defer conn.Close()
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_, _ = io.Copy(io.Discard, conn)
	}()
	if _, err := io.WriteString(conn, begin); err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	never := time.NewTimer(2 * time.Minute)
	defer never.Stop()
	for {
		select {
		case <-closed:
			return nil
		case <-tick.C:
			if begin != "" {
				_, _ = conn.Write([]byte("x"))
			}
		case <-never.C:
			return errors.New("it is never cut off")
		}
	}
}

// A handler that panics costs its own request, and tells the caller nothing.
func TestPanickingHandlers(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		set.Mount = func(r fiber.Router) {
			r.Get("/panic", func(c *fiber.Ctx) error {
				c.Set("X-Half", "made")
				_ = c.SendString("half an answer")
				panic("the password is hunter2")
			})
			r.Get("/error", func(*fiber.Ctx) error { return fmt.Errorf("dsn is postgres://u:hunter2@db") })
			r.Get("/teapot", func(*fiber.Ctx) error { return fiber.NewError(418, "short and stout") })
			r.Get("/none", func(*fiber.Ctx) error { return fiber.NewError(404, "no such invoice") })
			r.Get("/own500", func(*fiber.Ctx) error { return fiber.NewError(502, "hunter2 is down") })
		}
	})
	const many = 1000
	var wg sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for worker := range 10 {
		wg.Go(func() {
			for range many / 10 {
				a, err := p.Try("GET", "/panic", "")
				if err != nil {
					t.Errorf("worker %d: %v", worker, err)
					return
				}
				id := webtest.Decode[webtest.Problem](t, a).Instance
				mu.Lock()
				if a.Status != 500 || id == "" || ids[id] || strings.Contains(a.Body, "half") || strings.Contains(a.Body, "hunter2") || a.Header.Get("X-Half") != "" {
					t.Errorf("%d %s %v", a.Status, a.Body, a.Header)
				}
				ids[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	log := p.Log.String()
	for id := range ids {
		if !strings.Contains(log, `"handler panicked","request_id":"`+id) {
			t.Fatalf("request %s is not in the log", id)
		}
	}
	if len(ids) != many || !strings.Contains(log, "the password is hunter2") || !strings.Contains(log, "limits_test.go") {
		t.Errorf("%d requests, log %.300s", len(ids), log)
	}
	p.Do("GET", "/livez", "").Want(t, 200)
	p.Do("GET", "/crons", "", webtest.AsViewer).Want(t, 200)

	if a := p.Do("GET", "/error", "").Want(t, 500); strings.Contains(a.Body, "hunter2") {
		t.Error(a.Body)
	}
	if a := p.Do("GET", "/own500", "").Want(t, 502); strings.Contains(a.Body, "hunter2") {
		t.Error(a.Body)
	}
	if a := p.Do("GET", "/none", "").Want(t, 404); webtest.Decode[webtest.Problem](t, a).Detail != "no such invoice" {
		t.Error(a.Body)
	}
	if a := p.Do("GET", "/teapot", "").Want(t, 418); webtest.Decode[webtest.Problem](t, a).Detail != "short and stout" {
		t.Error(a.Body)
	}
}

// Handlers get a body whole, however it is sent, and none that is too large.
func TestBodiesOfTheUsersRoutes(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) {
		set.Mount = func(r fiber.Router) {
			r.Post("/size", func(c *fiber.Ctx) error { return c.SendString(fmt.Sprint(len(c.Body()), c.Request().IsBodyStream())) })
			r.Post("/form", func(c *fiber.Ctx) error { return c.SendString(c.FormValue("a")) })
		}
	})
	send := func(size int, chunked bool, expect string) webtest.Answer {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.URL()+"/size", strings.NewReader(strings.Repeat("x", size)))
		if err != nil {
			t.Fatal(err)
		}
		if chunked {
			req.ContentLength = -1
		}
		if expect != "" {
			req.Header.Set("Expect", expect)
		}
		resp, err := webtest.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return webtest.Answer{Status: resp.StatusCode, Header: resp.Header, Body: string(text)}
	}
	for _, size := range []int{1, 8 << 10, 8<<10 + 1, 500_000, 1 << 20} {
		for _, chunked := range []bool{false, true} {
			for _, expect := range []string{"", "100-continue"} {
				if a := send(size, chunked, expect).Want(t, 200); a.Body != fmt.Sprint(size, false) {
					t.Errorf("%d bytes, chunked %v: %s", size, chunked, a.Body)
				}
			}
		}
	}
	for _, chunked := range []bool{false, true} {
		send(1<<20+1, chunked, "").Want(t, 413)
	}
	if a := p.Do("POST", "/form", "a=b", webtest.Form).Want(t, 200); a.Body != "b" {
		t.Error(a.Body)
	}
	if a := p.Do("POST", "/form", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nc\r\n--x--\r\n", "Content-Type: multipart/form-data; boundary=x").Want(t, 200); a.Body != "c" {
		t.Error(a.Body)
	}
	if short := p.Raw("POST /size HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"); !strings.Contains(short, " 400 ") {
		t.Error(short)
	}
}
