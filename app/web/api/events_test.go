package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/feed"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/web/api"
	"fibercrons/app/web/reply"
)

// endless is a feed that always has something, or panics.
type endless struct {
	change feed.Change
	panics bool
}

func (e *endless) Next(context.Context) ([]feed.Change, error) {
	if e.panics {
		panic("the password is hunter2")
	}
	return []feed.Change{e.change}, nil
}

func (e *endless) At() string { return "x-0" }

func (e *endless) Close() {}

// quiet is a source without events.
type quiet struct{ endless }

func (*quiet) Next(ctx context.Context) ([]feed.Change, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// stream serves source alone, and returns the address.
func stream(t *testing.T, log io.Writer, source api.Subscription) (streams api.Streams, addr string) {
	t.Helper()
	limits := api.StreamLimits{Open: 1, Write: 200 * time.Millisecond, Heartbeat: 10 * time.Millisecond}
	streams = api.NewStreams(limits, slog.New(slog.NewTextHandler(log, nil)), source)
	web := fiber.New(fiber.Config{DisableStartupMessage: true, WriteTimeout: 500 * time.Millisecond, ErrorHandler: func(c *fiber.Ctx, err error) error { return reply.Fail(c, "id", err) }})
	web.Get("/", streams.Handle)
	return streams, webtest.Serve(t, web)
}

// A client that does not read is disconnected.
func TestStreamsDisconnectClientsThatDoNotRead(t *testing.T) {
	flood := feed.Change{ID: "x-1", Kind: contract.RunEnded, Data: json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)}
	streams, addr := stream(t, io.Discard, &endless{change: flood})
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	webtest.Eventually(t, func() bool { return streams.Open() == 1 })
	webtest.Eventually(t, func() bool { return streams.Open() == 0 })
}

// A panic inside a stream ends the stream, and nothing else.
func TestStreamsSurviveAPanic(t *testing.T) {
	var log strings.Builder
	streams, addr := stream(t, &log, &endless{panics: true})
	for range 2 { // the second client finds the place free
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := webtest.Client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(resp.Body)
		if resp.Body.Close(); err == nil || resp.StatusCode != http.StatusOK || strings.Contains(string(rest), "hunter2") {
			t.Errorf("%d %q %v", resp.StatusCode, rest, err)
		}
		webtest.Eventually(t, func() bool { return streams.Open() == 0 })
	}
	if !strings.Contains(log.String(), "event stream panicked") || !strings.Contains(log.String(), "events_test.go") {
		t.Errorf("%.300s", log.String())
	}
}

// A stream without events shows that it is alive, for longer than an answer may take.
func TestStreamsGiveSignsOfLife(t *testing.T) {
	_, addr := stream(t, io.Discard, &quiet{})
	resp := get(t, addr)
	defer resp.Body.Close()
	begin, lines := time.Now(), bufio.NewScanner(resp.Body)
	signs := 0
	for time.Since(begin) < time.Second && lines.Scan() {
		if lines.Text() == ": still here" {
			signs++
		}
	}
	if signs < 5 {
		t.Errorf("%d signs of life in a second, %v", signs, lines.Err())
	}
}

func TestStreamsTakeNoMoreThanTheirNumber(t *testing.T) {
	streams, addr := stream(t, io.Discard, &quiet{}) // one at a time
	first := get(t, addr)
	second := get(t, addr)
	second.Body.Close()
	if second.StatusCode != http.StatusServiceUnavailable || second.Header.Get("Retry-After") != "10" {
		t.Errorf("%d %v", second.StatusCode, second.Header)
	}
	head, err := http.Head("http://" + addr)
	if err != nil {
		t.Fatal(err)
	}
	head.Body.Close()
	if head.StatusCode != http.StatusOK {
		t.Errorf("HEAD takes a place: %d", head.StatusCode)
	}
	first.Body.Close() // vanishes
	webtest.Eventually(t, func() bool { return streams.Open() == 0 })
	get(t, addr).Body.Close()
}

func get(t *testing.T, addr string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
