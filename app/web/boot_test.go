package web_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/web"

	"go.uber.org/goleak"
)

const (
	operatorToken = "operator-token-of-the-tests"
	viewerToken   = "viewer-token-of-the-tests"
)

func TestMain(m *testing.M) {
	// Jobs log by the default logger, as the server sets it up.
	slog.SetDefault(slog.New(cron.LogHandler(slog.DiscardHandler)))
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(status int) { client.CloseIdleConnections(); os.Exit(status) }),
		// These outlive their server and their database by design, or by neglect, of others.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	)
}

// setup is what a test may change before the program starts.
type setup struct {
	env      map[string]string
	registry *cron.Registry
	limits   web.Limits
	asleep   bool // the scheduler is not run
	mount    func(*web.Server)
}

// program is the whole application on a database and a port of its own.
type program struct {
	*web.Server
	t     testing.TB
	app   *app.App
	log   *logBuffer
	stop  context.CancelFunc // asks Serve to end
	ended chan error         // what Serve returned
}

func start(t testing.TB, change func(*setup)) *program {
	t.Helper()
	set := setup{
		env: map[string]string{
			"PORT": "0", "CRON_OPERATOR_TOKEN": operatorToken, "CRON_VIEWER_TOKEN": viewerToken,
			"CRON_SHUTDOWN_GRACE": "0", "LOG_LEVEL": "debug",
			"DATABASE_URL": "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "crons.db")),
		},
		registry: cron.NewRegistry(),
	}
	set.registry.Register("hello", "0 0 1 1 *", succeed, cron.Tags("example"), cron.Describe("greets"))
	if change != nil {
		change(&set)
	}
	cfg, _, err := env.Load(env.Env(set.env), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, log: new(logBuffer), ended: make(chan error, 1)}
	log := slog.New(cron.LogHandler(slog.NewJSONHandler(p.log, &slog.HandlerOptions{Level: cfg.LogLevel})))
	p.app, err = app.New(t.Context(), cfg, set.registry, app.Log(log))
	if err != nil {
		t.Fatal(err)
	}
	p.Server = web.New(p.app, set.limits, web.All)
	if set.mount != nil {
		set.mount(p.Server)
	}
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.ended <- p.Serve(serving) }()

	ticking, halt := context.WithCancel(context.Background())
	halted := make(chan error, 1)
	if set.asleep {
		halted <- nil
	} else {
		go func() { halted <- p.app.Run(ticking) }()
	}
	t.Cleanup(func() {
		stop()
		if err := <-p.ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		halt()
		if err := <-halted; err != nil {
			t.Errorf("scheduler: %v", err)
		}
		if err := errors.Join(p.app.Crons.Close(context.Background()), p.app.Close()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if !set.asleep {
		p.eventually(func() bool { return p.app.Crons.Ready(t.Context()) == nil })
	}
	return p
}

func succeed(context.Context) error { return nil }

func broken(context.Context) error { return errors.New("out of paper") }

// untilCancelled is a job that ends when it is told to.
func untilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// patience is how long anything is waited for before it counts as never.
const patience = 5 * time.Minute

func (p *program) eventually(ok func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			p.t.Fatal("it did not come to pass within " + patience.String())
		}
		time.Sleep(time.Millisecond)
	}
}

// header is what a request carries beside its body: "Name: value".
type header = string

const (
	asOperator header = "Authorization: Bearer " + operatorToken
	asViewer   header = "Authorization: Bearer " + viewerToken
	jsonBody   header = "Content-Type: application/json"
)

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request and holds the answer against openapi.yaml.
func (p *program) do(method, path, body string, headers ...header) answer {
	p.t.Helper()
	a, err := p.try(method, path, body, headers...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.checkDescribed(method, path, a)
	return a
}

var client = &http.Client{
	Timeout:       patience,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
}

func (p *program) try(method, path, body string, headers ...header) (answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, p.URL()+path, reader)
	if err != nil {
		return answer{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// read and write are the two usual ways to ask.
func (p *program) read(path string, headers ...header) answer {
	p.t.Helper()
	return p.do(http.MethodGet, path, "", append(headers, asOperator)...)
}

func (p *program) write(path, body string, headers ...header) answer {
	p.t.Helper()
	return p.do(http.MethodPost, path, body, append(headers, asOperator, jsonBody)...)
}

// decode reads the body as JSON.
func decode[T any](t testing.TB, a answer) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

type problem struct {
	Title, Detail, Instance, Reason string
	Status                          int
	Errors                          []struct{ In, Field, Detail string }
}

// want fails when the status is another one, or when a refusal is not a problem (RFC 9457).
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	if status >= 400 && a.body != "" {
		if kind := a.header.Get("Content-Type"); kind != "application/problem+json" {
			t.Fatalf("status %d as %s: %s", status, kind, a.body)
		}
		p := decode[problem](t, a)
		if p.Status != status || p.Title != http.StatusText(status) || p.Instance == "" || p.Instance != a.header.Get("X-Request-ID") {
			t.Fatalf("not a problem of status %d with the request's ID: %s", status, a.body)
		}
	}
	return a
}

// logBuffer collects what is logged, from any goroutine.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
