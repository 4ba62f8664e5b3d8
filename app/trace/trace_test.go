package trace_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"go.opentelemetry.io/otel"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/env"
	"fibercrons/app/part"
	"fibercrons/app/scheduler"
	_ "fibercrons/app/store/sqlite"
	"fibercrons/app/trace"
	"fibercrons/app/web"
	"fibercrons/app/web/site"
)

// program is the application with a log that can be read.
type program struct {
	*app.App
	t   *testing.T
	web *site.Site
	log *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// lines are those that hold text.
func (l *logBuffer) lines(text string) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.b.String()) {
		if strings.Contains(line, text) {
			list = append(list, line)
		}
	}
	return list
}

const token = "operator-token-of-the-tests"

func start(t *testing.T, vars map[string]string, register func(*cron.Registry)) *program {
	t.Helper()
	all := map[string]string{"PORT": "0", "DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "crons.db"), "CRON_OPERATOR_TOKEN": token}
	for k, v := range vars {
		all[k] = v
	}
	cfg, _, err := env.Load(env.Env(all), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, log: new(logBuffer)}
	log := slog.New(cron.LogHandler(slog.NewJSONHandler(p.log, nil)))
	before := slog.Default()
	slog.SetDefault(log)
	t.Cleanup(func() { slog.SetDefault(before) })
	registry := cron.NewRegistry()
	register(registry)
	if p.App, err = app.New(t.Context(), cfg, registry, app.Log(log)); err != nil {
		t.Fatal(err)
	}
	p.web = site.New(p.App, site.Limits{}, func(r fiber.Router, a *app.App) { web.Mount(r, a, web.Options{}) })
	if err := p.web.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	serving, stop := context.WithCancel(context.Background())
	go func() { served <- p.web.Serve(serving) }()
	t.Cleanup(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return p
}

// stop ends the program, which sends the last spans.
func (p *program) stop() {
	p.t.Helper()
	if err := errors.Join(p.Crons.Close(context.Background()), p.Close()); err != nil {
		p.t.Error(err)
	}
}

func (p *program) post(path string, headers ...string) (record map[string]any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.web.URL()+path, strings.NewReader("{}"))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&record); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("%d %v %v", resp.StatusCode, record, err)
	}
	return record
}

func (p *program) run(job string) cron.Record {
	p.t.Helper()
	rec, err := p.Crons.Trigger(context.Background(), job, scheduler.Request{})
	if err == nil {
		rec, err = p.Crons.Await(context.Background(), rec.ID)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return rec
}

// The spans of a stored schedule's run name it; those of other runs do not.
func TestSpansNameTheSchedule(t *testing.T) {
	c := collect1(t)
	p := start(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}, func(r *cron.Registry) {
		r.Register("report", cron.OnDemand, func(context.Context) error { return nil })
		r.Register("plain", cron.OnDemand, func(context.Context) error { return nil })
	})
	_, err := p.Crons.PutSchedules(t.Context(), []scheduler.PutSchedule{{Schedule: cron.Schedule{ID: "t/1", Job: "report", Expr: "@yearly"}}})
	if err != nil {
		t.Fatal(err)
	}
	p.post("/crons/schedules/t%2F1/run?wait=4m")
	p.run("plain")
	p.stop()
	for _, name := range []string{"run report", "attempt report"} {
		c.one(t, name).has(t, "fibercrons.schedule", "t/1")
	}
	for _, name := range []string{"run plain", "attempt plain"} {
		if span := c.one(t, name); strings.Contains(fmt.Sprint(span), "fibercrons.schedule") {
			t.Errorf("%s: %v", name, span)
		}
	}
}

func TestARunIsATrace(t *testing.T) {
	c := collect1(t)
	var carried string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { carried = r.Header.Get("Traceparent") }))
	defer other.Close()
	type invoice struct{ ID, Amount int }
	p := start(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b", "OTEL_SERVICE_NAME": "shop",
		"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
	}, func(r *cron.Registry) {
		r.Register("charge", "@yearly", func(ctx context.Context) error {
			if cron.RunFrom(ctx).Attempt() == 1 {
				return errors.New("out of paper")
			}
			ctx, mine := otel.Tracer("mine").Start(ctx, "work")
			defer mine.End()
			slog.InfoContext(ctx, "charging")
			db := app.DB(ctx)
			if err := db.Exec("CREATE TABLE invoices (id INTEGER PRIMARY KEY, amount INTEGER)").Error; err != nil {
				return err
			}
			if err := db.Create(&invoice{Amount: 17}).Error; err != nil {
				return err
			}
			var sum int
			if err := db.Raw("SELECT sum(amount) FROM invoices").Scan(&sum).Error; err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, other.URL+"/pay?card=4711", nil)
			if err != nil {
				return err
			}
			resp, err := app.HTTP(ctx).Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		}, cron.Retry(1, cron.Fixed(0)))
	})
	const caller = "0af7651916cd43dd8448eb211c80319c"
	record := p.post("/crons/charge/run?wait=4m", "Traceparent", "00-"+caller+"-b7ad6b7169203331-01")
	id, _ := record["id"].(string)
	if record["status"] != "succeeded" || record["trace_id"] != p.Trace.TraceID(id) {
		t.Fatalf("the run is %v", record)
	}
	p.stop()

	run := c.one(t, "run charge")
	if run.trace() != record["trace_id"] || len(run.GetParentSpanId()) != 0 || run.failed() {
		t.Errorf("the span of the run: %v", run)
	}
	run.has(t, "fibercrons.job", "charge", "fibercrons.run.id", id, "fibercrons.trigger", "manual", "fibercrons.outcome", "succeeded",
		"fibercrons.attempts", "2", "faas.trigger", "other", "faas.invocation_id", id)
	attempts := c.named("attempt charge")
	if len(attempts) != 2 || !attempts[0].failed() || attempts[1].failed() {
		t.Fatalf("the attempts: %v", attempts)
	}
	for i, a := range attempts {
		a.isChild(t, run)
		a.has(t, "fibercrons.attempt", fmt.Sprint(i+1), "fibercrons.run.id", id)
		if a.GetStartTimeUnixNano()/1e6 < run.GetStartTimeUnixNano()/1e6 || a.GetEndTimeUnixNano()/1e6 > run.GetEndTimeUnixNano()/1e6 {
			t.Errorf("attempt %d is not within its run", i+1)
		}
	}
	if e := attempts[0].GetEvents(); len(e) != 1 || e[0].GetName() != "exception" || !strings.Contains(e[0].String(), "out of paper") {
		t.Errorf("the failed attempt says %v", e)
	}
	work := c.one(t, "work")
	work.isChild(t, attempts[1])
	insert := c.one(t, "INSERT invoices")
	insert.isChild(t, work)
	insert.has(t, "db.system.name", "sqlite", "db.operation.name", "INSERT", "db.collection.name", "invoices")
	if text := insert.attrs["db.query.text"]; !strings.HasPrefix(text, "INSERT INTO") || strings.Contains(text, "17") {
		t.Errorf("the statement is %q", text)
	}
	c.one(t, "EXEC").isChild(t, work)
	sum := c.one(t, "SELECT")
	sum.isChild(t, work)
	if rows, counted := sum.attrs["db.response.returned_rows"]; counted {
		t.Errorf("the query whose rows nobody counted has returned %s", rows)
	}
	get := c.one(t, "GET")
	get.isChild(t, work)
	get.has(t, "url.full", other.URL+"/pay", "http.response.status_code", "200")
	if !strings.HasPrefix(carried, "00-"+run.trace()+"-") {
		t.Errorf("handed on was %q", carried)
	}

	request := c.one(t, "POST /crons/:name/run")
	if request.trace() != caller {
		t.Errorf("the request is in the trace %s", request.trace())
	}
	request.has(t, "http.route", "/crons/:name/run", "http.response.status_code", "200")
	request.linksTo(t, run)
	run.linksTo(t, request)

	if lines := p.log.lines(`"msg":"charging"`); len(lines) != 1 || !strings.Contains(lines[0], `"trace_id":"`+run.trace()+`"`) {
		t.Errorf("the log has %q", lines)
	}
	if lines := p.log.lines("attempt succeeded"); len(lines) != 1 || !strings.Contains(lines[0], run.trace()) {
		t.Errorf("the log has %q", lines)
	}
	if c.path != "/v1/traces" || c.headers.Get("X-Key") != "a b" {
		t.Errorf("delivered to %s with %v", c.path, c.headers)
	}
	if c.resource["service.name"] != "shop" || c.resource["deployment.environment.name"] != "test" || c.resource["service.version"] == "" {
		t.Errorf("the resource is %v", c.resource)
	}
}

func TestPanicsAndTimeoutsAreTold(t *testing.T) {
	c := collect1(t)
	p := start(t, map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": c.URL + "/elsewhere"}, func(r *cron.Registry) {
		r.Register("panics", "@yearly", func(context.Context) error { panic("out of paper") })
		r.Register("hangs", "@yearly", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, cron.Timeout(time.Millisecond))
	})
	p.run("panics")
	p.run("hangs")
	p.stop()
	attempt := c.one(t, "attempt panics")
	if e := attempt.GetEvents(); len(e) != 1 || !strings.Contains(e[0].String(), "out of paper") || !strings.Contains(e[0].String(), "trace_test.go") {
		t.Errorf("the panic is told as %v", e)
	}
	attempt.has(t, "error.type", "panic")
	c.one(t, "run panics").has(t, "fibercrons.outcome", "failed", "fibercrons.cause", "panic", "error.type", "panic")
	c.one(t, "run hangs").has(t, "fibercrons.cause", "timeout")
	if text := c.one(t, "attempt hangs").GetStatus().GetMessage(); !strings.Contains(text, "timed out after 1ms") {
		t.Errorf("the timeout is told as %q", text)
	}
	if c.path != "/elsewhere" {
		t.Errorf("delivered to %s", c.path)
	}
}

func TestWithoutBeingAskedNothingIsTraced(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"nothing":  {},
		"disabled": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"},
		"none":     {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_TRACES_EXPORTER": "none"},
	} {
		p := start(t, env, func(r *cron.Registry) {
			r.Register("hello", "@yearly", func(ctx context.Context) error {
				slog.InfoContext(ctx, "hello")
				return app.DB(ctx).Exec("SELECT 1").Error
			})
		})
		if record := p.post("/crons/hello/run?wait=4m"); record["status"] != "succeeded" || record["trace_id"] != nil {
			t.Errorf("%s: the run is %v", name, record)
		}
		p.stop()
		if p.Trace != part.Untraced || len(p.log.lines("trace")) > 0 {
			t.Errorf("%s: there are traces of it: %v", name, p.log.lines("trace"))
		}
	}
}

// A collector that is not there, or that takes what it gets and never answers, costs one line.
func TestADeadCollectorCostsALine(t *testing.T) {
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(release)
	for _, url := range []string{closed.URL, silent.URL} {
		p := start(t, map[string]string{
			"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "1", "OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5",
			"OTEL_EXPORTER_OTLP_TIMEOUT": "1000",
		}, func(r *cron.Registry) {
			r.Register("hello", "@yearly", func(context.Context) error { return nil })
		})
		for range 50 { // far more than the queue holds
			if rec := p.run("hello"); rec.Status != cron.Succeeded {
				t.Errorf("the run: %+v", rec)
			}
		}
		began := time.Now()
		p.stop()
		if took := time.Since(began); took > time.Minute { // three, and what a busy machine adds
			t.Errorf("%s: stopping took %s", url, took)
		}
		if lines := p.log.lines("failed to export traces"); len(lines) != 1 {
			t.Errorf("%s: the log has %q", url, lines)
		}
	}
}

// Processes that know nothing of each other agree on a run's IDs, and on whether it is sampled.
func TestProcessesAgree(t *testing.T) {
	options := func(to *tracetest.InMemoryExporter) trace.Options {
		env := map[string]string{"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5"}
		return trace.Options{Get: func(name string) string { return env[name] }, Exporter: keep{to}, Log: slog.New(slog.DiscardHandler)}
	}
	first, second := tracetest.NewInMemoryExporter(), tracetest.NewInMemoryExporter()
	a, b := trace.Open(t.Context(), options(first)), trace.Open(t.Context(), options(second))
	r := cron.NewRegistry()
	r.Register("hello", "@yearly", func(context.Context) error { return nil }, cron.Overlap(cron.Allow))
	jobs, err := r.Jobs(cron.Defaults{Use: []cron.Middleware{a.Attempt}})
	if err != nil {
		t.Fatal(err)
	}
	s := scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Observe: b.Observe, Log: slog.New(slog.DiscardHandler)}) // b ends what a has attempted
	const n = 200
	for range n {
		rec, err := s.Trigger(t.Context(), "hello", scheduler.Request{})
		if err == nil {
			_, err = s.Await(t.Context(), rec.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Close(t.Context())
	b.Close(t.Context())
	runs := map[string]tracetest.SpanStub{}
	for _, span := range second.GetSpans() {
		runs[span.SpanContext.TraceID().String()] = span
	}
	attempts := first.GetSpans()
	if len(attempts) != len(runs) || len(runs) < n/4 || len(runs) > n*3/4 {
		t.Fatalf("of %d runs there are %d spans, and %d of attempts", n, len(runs), len(attempts))
	}
	for _, attempt := range attempts {
		if run, ok := runs[attempt.SpanContext.TraceID().String()]; !ok || run.SpanContext.SpanID() != attempt.Parent.SpanID() {
			t.Errorf("an attempt is not that of its run")
		}
	}
}

// keep makes an exporter keep its spans when it is shut down.
type keep struct{ *tracetest.InMemoryExporter }

func (keep) Shutdown(context.Context) error { return nil }

var _ sdk.SpanExporter = keep{}

func TestWhatIsWrongIsAWarning(t *testing.T) {
	const secret = "s3cr3t"
	for _, test := range []struct {
		name string
		env  map[string]string
		on   bool
		says string // empty: nothing
	}{
		{"nothing", nil, false, ""},
		{"an endpoint", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, true, ""},
		{"an exporter", map[string]string{"OTEL_TRACES_EXPORTER": "otlp"}, true, ""},
		{"the console", map[string]string{"OTEL_TRACES_EXPORTER": "console"}, true, ""},
		{"no such exporter", map[string]string{"OTEL_TRACES_EXPORTER": "zipkin"}, false, `OTEL_TRACES_EXPORTER: exporter \"zipkin\" is not supported`},
		{"an endpoint that is none", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "user:" + secret + "@collector"}, false, "OTEL_EXPORTER_OTLP_ENDPOINT: not a URL"},
		{"another protocol", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, true, "using http/protobuf"},
		{"headers", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_HEADERS": secret}, true, "one of its pairs is invalid and ignored"},
		{"a sampler", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "dice"}, true, "using parentbased_always_on"},
		{"a ratio", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}, true, "not a number from 0 to 1"},
		{"a timeout", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TIMEOUT": "10s"}, true, "not a whole number above 0"},
		{"a compression", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_COMPRESSION": "rar"}, true, "nothing is compressed"},
		{"perhaps disabled", map[string]string{"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "perhaps"}, true, "neither true nor false"},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := new(logBuffer)
			tracer := trace.Open(t.Context(), trace.Options{Get: func(name string) string { return test.env[name] }, Log: slog.New(slog.NewTextHandler(log, nil))})
			if (tracer != nil) != test.on {
				t.Errorf("it traces: %v", tracer != nil)
			}
			tracer.Close(t.Context())
			said := strings.Join(log.lines(""), "")
			if test.says == "" && said != "" || !strings.Contains(strings.ReplaceAll(said, `\\\"`, `\"`), test.says) {
				t.Errorf("it says %q", said)
			}
			if strings.Contains(said, secret) {
				t.Errorf("it tells a secret: %q", said)
			}
		})
	}
}

func TestConsole(t *testing.T) {
	var out bytes.Buffer
	tracer := trace.Open(t.Context(), trace.Options{
		Get:     func(name string) string { return map[string]string{"OTEL_TRACES_EXPORTER": "console"}[name] },
		Console: &out, Log: slog.New(slog.DiscardHandler),
	})
	now := time.Now()
	tracer.Observe(contract.Event{Kind: contract.RunEnded, Job: "hello", Record: cron.Record{ID: "1", Status: cron.Succeeded, QueuedAt: now, EndedAt: &now}})
	tracer.Observe(contract.Event{Kind: contract.RunEnded, Job: "late", Record: cron.Record{ID: "2", Status: cron.Skipped, QueuedAt: now, EndedAt: &now}})
	tracer.Close(t.Context())
	if text := out.String(); !strings.Contains(text, `"Name":"run hello"`) || strings.Contains(text, "run late") {
		t.Errorf("the console has %s", text)
	}
}

// A run that is not sampled sends nothing, and what it calls hears that, and the trace's ID.
func TestARunThatIsNotSampled(t *testing.T) {
	for _, sampler := range []string{"always_off", "parentbased_always_off"} {
		sent := tracetest.NewInMemoryExporter()
		a := trace.Open(t.Context(), trace.Options{
			Get:      func(name string) string { return map[string]string{"OTEL_TRACES_SAMPLER": sampler}[name] },
			Exporter: keep{sent}, Log: slog.New(slog.DiscardHandler),
		})
		var carried string
		other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { carried = r.Header.Get("Traceparent") }))
		r := cron.NewRegistry()
		r.Register("hello", "@yearly", func(ctx context.Context) error {
			ctx, mine := otel.Tracer("mine").Start(ctx, "work")
			defer mine.End()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, other.URL, nil)
			if err != nil {
				return err
			}
			resp, err := (&http.Client{Transport: a.Transport(nil)}).Do(req)
			if err != nil {
				return err
			}
			return resp.Body.Close()
		})
		jobs, err := r.Jobs(cron.Defaults{Use: []cron.Middleware{a.Attempt}})
		if err != nil {
			t.Fatal(err)
		}
		s := scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Observe: a.Observe, Log: slog.New(slog.DiscardHandler)})
		rec, err := s.Trigger(t.Context(), "hello", scheduler.Request{})
		if err == nil {
			rec, err = s.Await(t.Context(), rec.ID)
		}
		if err != nil || rec.Status != cron.Succeeded {
			t.Fatalf("%s: the run is %+v, error %v", sampler, rec, err)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		a.Close(t.Context())
		other.Close()
		if id := a.TraceID(rec.ID); !strings.HasPrefix(carried, "00-"+id+"-") || !strings.HasSuffix(carried, "-00") {
			t.Errorf("%s: handed on was %q of the trace %s", sampler, carried, id)
		}
		if n := len(sent.GetSpans()); n != 0 {
			t.Errorf("%s: %d spans were sent", sampler, n)
		}
	}
}
