package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/ops"
	_ "fibercrons/app/store/sqlite"
	"fibercrons/app/web"
	"fibercrons/app/web/site"
)

const token = "0123456789abcdef0123456789abcdef"

// fixture is a server with its own jobs and environment.
type fixture struct {
	registry *cron.Registry
	env      map[string]string
	envFile  string
	args     []string
	out, err buffer
}

func newFixture(t *testing.T) *fixture {
	return &fixture{registry: cron.NewRegistry(), env: map[string]string{
		"DATABASE_URL":        "sqlite://" + filepath.Join(t.TempDir(), "data", "crons.db"),
		"PORT":                "0",
		"CRON_OPERATOR_TOKEN": token,
	}}
}

func (f *fixture) run(ctx context.Context, serving func(*site.Site)) int {
	return run(ctx, process{
		Program: Program{Jobs: f.registry, Load: load, Routes: mount},
		args:    f.args, out: &f.out, err: &f.err, serving: serving,
		config: []env.Option{env.Env(f.env), env.File(f.envFile)},
	})
}

func load(o ...env.Option) (env.Config, func(context.Context) context.Context, []string, error) {
	c, warnings, err := env.Load(o...)
	return c, nil, warnings, err
}

func mount(r fiber.Router, a *app.App) {
	web.Health(r, a)
	web.Metrics(r, a)
	web.Mount(r, a, web.Options{})
}

// start runs the server. It returns its address, and a function that stops it and returns its exit status.
func (f *fixture) start(t *testing.T) (url string, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	urls, status := make(chan string, 1), make(chan int, 1)
	go func() {
		status <- f.run(ctx, func(web *site.Site) { urls <- web.URL() })
	}()
	select {
	case url = <-urls:
	case code := <-status:
		cancel()
		t.Fatalf("the server ended with %d:\n%s", code, f.err.String())
	}
	return url, func() int {
		cancel()
		return <-status
	}
}

// The whole program: start in an empty folder, a scheduled run, a manual run, a stop during a run, and a restart.
func TestServer(t *testing.T) {
	f := newFixture(t)
	ticked, entered, leave := make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	f.registry.Register("tick", "@every 20ms", func(ctx context.Context) error {
		if app.DB(ctx) == nil || app.Config(ctx).Port != 0 {
			return fmt.Errorf("a job has no application")
		}
		select {
		case ticked <- struct{}{}:
		default:
		}
		return nil
	})
	f.registry.Register("slow", "@yearly", func(ctx context.Context) error {
		close(entered)
		<-leave
		return ctx.Err() // the grace is longer than this run: its context has not ended
	})
	url, stop := f.start(t)
	<-ticked
	if got := get(t, url+"/readyz"); !strings.Contains(got, "ready") {
		t.Errorf("/readyz: %s", got)
	}
	var jobs []ops.JobView
	if err := json.Unmarshal([]byte(get(t, url+"/crons")), &jobs); err != nil || len(jobs) != 2 {
		t.Errorf("/crons has %d jobs (%v)", len(jobs), err)
	}
	run := post(t, url+"/crons/slow/run", http.StatusAccepted)
	<-entered
	stopped := make(chan int, 1)
	go func() { stopped <- stop() }()
	refused(t, url) // the web server stops first; the run has not ended
	select {
	case code := <-stopped:
		t.Errorf("the server ended with %d and left a run behind", code)
	default:
	}
	close(leave)
	if code := <-stopped; code != exitDone {
		t.Errorf("the server ended with %d:\n%s", code, f.err.String())
	}
	if strings.Contains(f.err.String(), `"ERROR"`) {
		t.Errorf("the log has an error:\n%s", f.err.String())
	}

	url, stop = f.start(t)
	var record cron.Record
	if err := json.Unmarshal([]byte(get(t, url+"/crons/runs/"+run.ID)), &record); err != nil {
		t.Error(err)
	}
	if record.Status != cron.Succeeded {
		t.Errorf("the drained run is recorded as %s (%s) %s", record.Status, record.Reason, record.Error)
	}
	if code := stop(); code != exitDone {
		t.Errorf("the second time the server ended with %d", code)
	}
}

// A run that exceeds the grace is cancelled and recorded as such.
func TestServerCancelsAfterTheGrace(t *testing.T) {
	f := newFixture(t)
	f.env["CRON_SHUTDOWN_GRACE"] = "0"
	entered := make(chan struct{})
	f.registry.Register("endless", "@yearly", func(ctx context.Context) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})
	url, stop := f.start(t)
	run := post(t, url+"/crons/endless/run", http.StatusAccepted)
	<-entered
	if code := stop(); code != exitDone {
		t.Errorf("the server ended with %d:\n%s", code, f.err.String())
	}
	record := recorded(t, f, run.ID)
	if record.Status != cron.Cancelled || record.Reason != cron.ReasonShutdown {
		t.Errorf("the run is recorded as %s (%s)", record.Status, record.Reason)
	}
}

func TestServerPrintsALinkOnlyWithoutAToken(t *testing.T) {
	f := newFixture(t)
	_, stop := f.start(t)
	stop()
	if f.out.String() != "" {
		t.Errorf("with a token it prints %q", f.out.String())
	}
	delete(f.env, "CRON_OPERATOR_TOKEN")
	url, stop := f.start(t)
	stop()
	_, made, _ := strings.Cut(f.out.String(), "#token=")
	if !strings.Contains(f.out.String(), url) || len(strings.TrimSpace(made)) < 32 {
		t.Errorf("without one it prints %q", f.out.String())
	}
	if strings.Contains(f.err.String(), strings.TrimSpace(made)) {
		t.Error("the made token is in the log")
	}
}

func recorded(t *testing.T, f *fixture, id string) cron.Record {
	t.Helper()
	cfg, _, err := env.Load(env.Env(f.env), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, f.registry, app.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	record, err := a.Crons.Record(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

func get(t *testing.T, url string) string {
	t.Helper()
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %s (%v)", url, response.Status, body, err)
	}
	return string(body)
}

func post(t *testing.T, url string, want int) (record cron.Record) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&record); err != nil || response.StatusCode != want {
		t.Fatalf("POST %s: %s (%v)", url, response.Status, err)
	}
	return record
}

// refused waits until the address accepts no connection.
func refused(t *testing.T, url string) {
	t.Helper()
	for t.Context().Err() == nil {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			return
		}
		conn.Close()
	}
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
