// Package webtest starts whole applications for tests of app/web and the packages below it, sends them requests, and
// holds every answer to the description of the API.
//
// # Files, in reading order
//
//	program.go     starting an application
//	jobs.go        what it is started with
//	exchange.go    requests and answers
//	described.go   whether an answer is as described
package webtest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.uber.org/goleak"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	_ "fibercrons/app/metrics"      // the parts that the tests look at
	_ "fibercrons/app/store/sqlite" // the databases of its programs
	"fibercrons/app/web"
	"fibercrons/app/web/site"
)

// Main is TestMain for tests that start programs: it also looks for goroutines that are left.
func Main(m *testing.M) {
	// Jobs log by the default logger, as the server sets it up.
	slog.SetDefault(slog.New(cron.LogHandler(slog.DiscardHandler)))
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(status int) { Client.CloseIdleConnections(); os.Exit(status) }), //nolint:forbidigo // a TestMain exits
		// These outlive their server and their database by design, or by neglect, of others.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*HostClient).connsCleaner"),
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	)
}

// Setup is what a test may change before the program starts.
type Setup struct {
	Env      map[string]string
	Registry *cron.Registry
	Limits   site.Limits
	Asleep   bool               // the scheduler is not run
	Mount    func(fiber.Router) // more routes, after all others
}

// Program is the whole application on a database and a port of its own.
type Program struct {
	*site.Site
	T     testing.TB
	App   *app.App
	Fiber *fiber.App
	Log   *logBuffer
	Stop  context.CancelFunc // makes Serve return
	Ended chan error         // what Serve returned
}

// Start starts an application with one job, hello, after change. It ends with the test.
func Start(t testing.TB, change func(*Setup)) *Program {
	t.Helper()
	set := Setup{
		Env: map[string]string{
			"PORT": "0", "CRON_OPERATOR_TOKEN": OperatorToken, "CRON_VIEWER_TOKEN": ViewerToken,
			"CRON_SHUTDOWN_GRACE": "0", "LOG_LEVEL": "debug",
			"DATABASE_URL": "sqlite://" + filepath.ToSlash(filepath.Join(t.TempDir(), "crons.db")),
		},
		Registry: cron.NewRegistry(),
	}
	set.Registry.Register("hello", "0 0 1 1 *", Succeed, cron.Tags("example"), cron.Describe("greets"))
	if change != nil {
		change(&set)
	}
	cfg, _, err := env.Load(env.Env(set.Env), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	p := &Program{T: t, Log: new(logBuffer), Ended: make(chan error, 1)}
	log := slog.New(cron.LogHandler(slog.NewJSONHandler(p.Log, &slog.HandlerOptions{Level: cfg.LogLevel})))
	p.App, err = app.New(t.Context(), cfg, set.Registry, app.Log(log))
	if err != nil {
		t.Fatal(err)
	}
	p.Site = site.New(p.App, set.Limits, func(r fiber.Router, a *app.App) {
		All(r, a)
		if set.Mount != nil {
			set.Mount(r)
		}
		p.Fiber, _ = r.(*fiber.App)
	})
	if err := p.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	serving, stop := context.WithCancel(context.Background())
	p.Stop = stop
	go func() { p.Ended <- p.Serve(serving) }()

	ticking, halt := context.WithCancel(context.Background())
	halted := make(chan error, 1)
	if set.Asleep {
		halted <- nil
	} else {
		go func() { halted <- p.App.Run(ticking) }()
	}
	t.Cleanup(func() {
		stop()
		if err := <-p.Ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		halt()
		if err := <-halted; err != nil {
			t.Errorf("scheduler: %v", err)
		}
		if err := errors.Join(p.App.Crons.Close(context.Background()), p.App.Close()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if !set.Asleep {
		p.Eventually(func() bool { return p.App.Crons.Ready(t.Context()) == nil })
	}
	return p
}

// All serves everything there is, and a route of the user's.
func All(r fiber.Router, a *app.App) {
	r.Get("/", func(c *fiber.Ctx) error { return c.SendString("mine") })
	web.Health(r, a)
	web.Metrics(r, a)
	web.Mount(r, a, web.Options{})
}

// Fiber returns an app that serves everything there is of a.
func Fiber(a *app.App) (f *fiber.App) {
	site.New(a, site.Limits{}, func(r fiber.Router, a *app.App) {
		All(r, a)
		f, _ = r.(*fiber.App)
	})
	return f
}

// Serve serves any app on a port of its own until the test ends, and returns its address.
func Serve(t testing.TB, f *fiber.App) (addr string) {
	t.Helper()
	ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- f.Listener(ln) }()
	t.Cleanup(func() {
		err := f.Shutdown()
		ln.Close() // Shutdown does not know a listener that is not served yet
		if end := <-served; !errors.Is(end, net.ErrClosed) {
			err = errors.Join(err, end)
		}
		if err != nil {
			t.Error(err)
		}
	})
	return ln.Addr().String()
}

// Patience is how long a test waits for anything.
const Patience = 5 * time.Minute

// Eventually waits until ok.
func (p *Program) Eventually(ok func() bool) {
	p.T.Helper()
	Eventually(p.T, ok)
}

// Eventually waits until ok.
func Eventually(t testing.TB, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen within " + Patience.String())
		}
		time.Sleep(time.Millisecond)
	}
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
