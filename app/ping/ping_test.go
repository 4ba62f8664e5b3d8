package ping_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/ops"
	"fibercrons/app/ping"
	"fibercrons/app/scheduler"
)

const (
	secret = "0a1b2c3d-secret"
	target = "https://hc-ping.example/" + secret
)

// service stands for the network: it notes what it is asked, and answers what the test says.
type service struct {
	mu     sync.Mutex
	began  time.Time
	asked  []asked
	answer func(n int, r *http.Request) (status int, text string, err error)
	header http.Header
}

type asked struct {
	at                 time.Duration
	method, path, body string
	query              string
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	s.mu.Lock()
	n := len(s.asked)
	s.asked = append(s.asked, asked{at: time.Since(s.began), method: r.Method, path: strings.TrimPrefix(r.URL.Path, "/"+secret), body: body, query: r.URL.RawQuery})
	s.mu.Unlock()
	status, text, err := 200, "OK", error(nil)
	if s.answer != nil {
		status, text, err = s.answer(n, r)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(text)), Header: s.header, Request: r}, nil
}

// paths are the words behind the address, in order.
func (s *service) paths() (paths []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.asked {
		paths = append(paths, a.path)
	}
	return paths
}

// bench is a scheduler whose jobs ping a service.
type bench struct {
	*service
	pings *ping.Pinger
	crons ops.Crons
	store contract.Store
	log   *strings.Builder
}

// program runs the jobs of register, in a bubble of synctest, until the test ends.
func program(t *testing.T, register func(*cron.Registry)) *bench {
	t.Helper()
	registry := cron.NewRegistry()
	register(registry)
	jobs, err := registry.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{service: &service{began: time.Now()}, log: new(strings.Builder)}
	store := crontest.NewMemory()
	b.store = store
	log := slog.New(slog.NewTextHandler(&locked{w: b.log}, nil))
	b.pings = ping.New(ping.Options{Jobs: jobs, Client: &http.Client{Transport: b.service}, Logs: store.Logs, Log: log})
	b.crons = ops.New(scheduler.Config{Store: store, Jobs: jobs, Observe: b.pings.Observe, Log: slog.New(slog.DiscardHandler)})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.crons.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.pings.Close(context.WithoutCancel(t.Context()))
	})
	return b
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// exited is an error as os/exec has it.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
func (e exited) ExitCode() int { return int(e) }

func TestRunsAreTold(t *testing.T) {
	log := slog.New(cron.LogHandler(slog.DiscardHandler))
	attempts := 0
	for _, test := range []struct {
		name    string
		fn      cron.Func
		options []cron.Option
		paths   []string
		method  string
		body    []string // parts of the last body
	}{
		{
			name:  "success",
			fn:    func(ctx context.Context) error { log.InfoContext(ctx, "sent", "mails", 17); return nil },
			paths: []string{"/start", ""}, method: "POST",
			body: []string{"job: succeeded in 0s\n", "Z INFO sent {\"mails\":17}\n"},
		},
		{
			name: "failure",
			fn: func(ctx context.Context) error {
				log.WarnContext(ctx, "slow")
				return errors.New("no disk")
			},
			paths: []string{"/start", "/fail"}, method: "POST",
			body: []string{"job: failed in 0s: no disk\n", "Z WARN slow\n"},
		},
		{
			name:  "a program's exit status",
			fn:    func(context.Context) error { return fmt.Errorf("pg_dump: %w", exited(3)) },
			paths: []string{"/start", "/3"}, method: "POST", body: []string{"pg_dump: exit status 3"},
		},
		{
			name:  "a program ended by a signal",
			fn:    func(context.Context) error { return exited(-1) },
			paths: []string{"/start", "/fail"}, method: "POST",
		},
		{
			name: "retries are one run",
			fn: func(context.Context) error {
				if attempts++; attempts < 3 {
					return errors.New("not yet")
				}
				return nil
			},
			options: []cron.Option{cron.Retry(3)},
			paths:   []string{"/start", ""}, method: "POST", body: []string{"after 3 attempts"},
		},
		{
			name:    "a panic",
			fn:      func(context.Context) error { panic("at the disco") },
			options: []cron.Option{cron.Ping(target, cron.Healthchecks)},
			paths:   []string{"/start", "/fail"}, method: "POST", body: []string{"at the disco"},
		},
		{
			name:    "only success",
			fn:      func(context.Context) error { return nil },
			options: []cron.Option{cron.Ping(target, cron.OnlySuccess)},
			paths:   []string{""}, method: "GET",
		},
		{
			name:    "only success, and none",
			fn:      func(context.Context) error { return errors.New("no") },
			options: []cron.Option{cron.Ping(target, cron.OnlySuccess)},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				if !strings.HasPrefix(test.name, "only") && test.name != "a panic" {
					test.options = append(test.options, cron.Ping(target))
				}
				b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", test.fn, test.options...) })
				rec, err := b.crons.Trigger(t.Context(), "job", scheduler.Request{})
				if err != nil {
					t.Fatal(err)
				}
				pass(time.Minute)
				if got := b.paths(); !slices.Equal(got, test.paths) {
					t.Fatalf("told %q, want %q", got, test.paths)
				}
				for i, a := range b.asked {
					if want := "rid=" + rec.ID; a.method != test.method || a.method == "POST" && a.query != want || a.method == "GET" && a.query+a.body != "" {
						t.Errorf("call %d is %+v", i, a)
					}
					for _, part := range test.body {
						if i == len(b.asked)-1 && !strings.Contains(a.body, part) {
							t.Errorf("the body %q lacks %q", a.body, part)
						}
					}
				}
			})
		})
	}
}

// A slot that is skipped is no sign of life, and a run that is cancelled has not succeeded.
func TestSkippedAndCancelled(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) {
			r.Register("job", "* * * * *", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, cron.Ping(target))
		})
		pass(3*time.Minute + time.Second)
		recs, err := b.crons.Records(t.Context(), contract.Query{Job: "job"})
		if err != nil || len(recs) != 3 {
			t.Fatalf("%d runs (%v)", len(recs), err)
		}
		if got := b.paths(); !slices.Equal(got, []string{"/start"}) {
			t.Errorf("while it runs and others are skipped: %q", got)
		}
		if _, err := b.crons.Cancel(t.Context(), recs[2].ID, "somebody"); err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		if got := b.paths(); !slices.Equal(got, []string{"/start", "/fail"}) {
			t.Errorf("after it was cancelled: %q", got)
		}
	})
}

// A run whose process died is told of by the one that finds it.
func TestInterrupted(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
		pass(time.Second)
		_, err := b.store.Claim(t.Context(), []contract.Claim{{
			Fence: contract.Fence{ID: "dead-run", Token: 1}, Job: "job", Trigger: cron.ByHand, Status: cron.Running,
			Instance: "dead", Lease: 30 * time.Second, At: time.Now(),
		}})
		if err != nil {
			t.Fatal(err)
		}
		pass(2 * time.Minute)
		if got := b.paths(); !slices.Equal(got, []string{"/fail"}) || b.asked[0].query != "rid=dead-run" || !strings.HasPrefix(b.asked[0].body, "job: interrupted: its process died") {
			t.Errorf("told %+v", b.asked)
		}
	})
}

func TestTries(t *testing.T) {
	down := errors.New("dial tcp: connection refused")
	for _, test := range []struct {
		name   string
		answer func(n int, r *http.Request) (int, string, error)
		at     []time.Duration // of the calls, counted from the first
		warn   string
	}{
		{"an error passes", func(n int, _ *http.Request) (int, string, error) {
			if n == 0 {
				return 0, "", down
			}
			return 200, "OK", nil
		}, []time.Duration{0, 2 * time.Second}, ""},
		{"it stays", func(int, *http.Request) (int, string, error) { return 0, "", down },
			[]time.Duration{0, 2 * time.Second, 12 * time.Second, 42 * time.Second}, "connection refused"},
		{"it is busy", func(n int, _ *http.Request) (int, string, error) { return []int{503, 429, 200}[n], "", nil },
			[]time.Duration{0, 2 * time.Second, 12 * time.Second}, ""},
		{"it does not know the address", func(int, *http.Request) (int, string, error) { return 404, "", nil }, []time.Duration{0}, "answered 404 Not Found"},
		{"it says so with 200", func(int, *http.Request) (int, string, error) { return 200, "OK (not found)", nil }, []time.Duration{0}, "does not know the check"},
		{"too many", func(n int, _ *http.Request) (int, string, error) {
			return 200, []string{"OK (rate limited)", "OK"}[n], nil
		}, []time.Duration{0, 2 * time.Second}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
				b.answer = test.answer
				b.pings.Observe(ended("job", cron.Succeeded))
				pass(5 * time.Minute)
				var at []time.Duration
				for _, a := range b.asked {
					at = append(at, a.at-b.asked[0].at)
				}
				if !slices.Equal(at, test.at) {
					t.Errorf("called after %v, want %v", at, test.at)
				}
				if text := b.log.String(); (test.warn == "") != (text == "") || !strings.Contains(text, test.warn) || strings.Contains(text, secret) {
					t.Errorf("logged: %s", text)
				}
			})
		})
	}
}

// pass lets time go by, and waits for what it brings.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func nothing(context.Context) error { return nil }

func started(job string) contract.Event {
	return contract.Event{Kind: contract.RunStarted, Job: job, Record: cron.Record{ID: "r", Job: job, Status: cron.Running, Attempt: 1}}
}

func ended(job string, status cron.Status) contract.Event {
	now := time.Now()
	return contract.Event{Kind: contract.RunEnded, Job: job, Record: cron.Record{ID: "r", Job: job, Status: status, Attempt: 1, StartedAt: &now, EndedAt: &now}}
}

// Each change is told once, by host.
func TestATargetThatIsDownIsLoggedOnce(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
		up := false
		b.answer = func(int, *http.Request) (int, string, error) {
			if up {
				return 200, "OK", nil
			}
			return 0, "", errors.New("connection refused")
		}
		for range 5 {
			b.pings.Observe(ended("job", cron.Succeeded))
			pass(10 * time.Minute)
		}
		up = true
		for range 5 {
			b.pings.Observe(ended("job", cron.Succeeded))
			pass(10 * time.Minute)
		}
		text := b.log.String()
		if strings.Count(text, "\n") != 2 || strings.Count(text, "are not delivered") != 1 || strings.Count(text, "delivered again") != 1 ||
			strings.Count(text, "host=hc-ping.example") != 2 || strings.Contains(text, secret) {
			t.Errorf("logged:\n%s", text)
		}
	})
}

// A start that does not arrive does not hold up the end, and is not told after it.
func TestTheEndGoesOnWithoutTheStart(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
		b.answer = func(_ int, r *http.Request) (int, string, error) {
			if strings.HasSuffix(r.URL.Path, "/start") {
				return 500, "", nil
			}
			return 200, "OK", nil
		}
		b.pings.Observe(started("job"))
		pass(time.Second)
		b.pings.Observe(ended("job", cron.Failed))
		pass(5 * time.Minute)
		if got := b.paths(); !slices.Equal(got, []string{"/start", "/fail"}) || b.asked[1].at != time.Second {
			t.Errorf("told %+v", b.asked)
		}
	})
}

// Behind a service that hangs the queue is bounded, and what is left out are old starts.
func TestTheNewestMatters(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
		release := make(chan struct{})
		b.answer = func(int, *http.Request) (int, string, error) { <-release; return 200, "OK", nil }
		b.pings.Observe(started("job"))
		synctest.Wait() // it is under way
		for i := range 100 {
			b.pings.Observe(started("job"))
			e := ended("job", cron.Succeeded)
			e.Record.ID = fmt.Sprint(i)
			b.pings.Observe(e)
		}
		synctest.Wait()
		close(release)
		synctest.Wait()
		last := b.asked[len(b.asked)-1]
		if n := len(b.asked); n != 33 || last.query != "rid=99" {
			t.Errorf("%d calls, the last is %+v", n, last)
		}
		for i, a := range b.asked[1:] {
			if want := fmt.Sprintf("rid=%d", 68+i); a.path != "" || a.query != want {
				t.Errorf("call %d is %+v, want the end of %s", i+1, a, want)
			}
		}
	})
}

// A service that hangs takes its own job's pings along, and no other's.
func TestExchangesAreBounded(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		const jobs = 20
		b := program(t, func(r *cron.Registry) {
			for i := range jobs {
				r.Register(fmt.Sprintf("job-%d", i), "@yearly", nothing, cron.Ping(target))
			}
		})
		release := make(chan struct{})
		b.answer = func(int, *http.Request) (int, string, error) { <-release; return 200, "OK", nil }
		for i := range jobs {
			b.pings.Observe(ended(fmt.Sprintf("job-%d", i), cron.Succeeded))
		}
		synctest.Wait()
		if n := len(b.paths()); n != 8 {
			t.Errorf("%d exchanges at a time", n)
		}
		close(release)
		synctest.Wait()
		if n := len(b.paths()); n != jobs {
			t.Errorf("%d of %d were told", n, jobs)
		}
	})
}

func TestCloseSendsWhatWaits(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
		b.answer = func(int, *http.Request) (int, string, error) {
			time.Sleep(time.Second)
			return 200, "OK", nil
		}
		for range 3 {
			b.pings.Observe(ended("job", cron.Succeeded))
		}
		began := time.Now()
		b.pings.Close(t.Context())
		if n := len(b.paths()); n != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("%d were told in %s", n, time.Since(began))
		}
		b.pings.Observe(ended("job", cron.Succeeded))
		synctest.Wait()
		if n := len(b.paths()); n != 3 {
			t.Errorf("%d were told, one after the end", n)
		}
	})
}

// The end of the process is not put off by a service that is down, or hangs.
func TestCloseIsBounded(t *testing.T) {
	for name, answer := range map[string]func(int, *http.Request) (int, string, error){
		"down": func(int, *http.Request) (int, string, error) { return 0, "", errors.New("connection refused") },
		"hangs": func(_ int, r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				b := program(t, func(r *cron.Registry) { r.Register("job", "@yearly", nothing, cron.Ping(target)) })
				b.answer = answer
				for range 5 {
					b.pings.Observe(ended("job", cron.Succeeded))
				}
				pass(time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				b.pings.Close(ctx)
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("closing took %s", took)
				}
				if name == "down" && len(b.paths()) != 6 { // the one under way once more, the others once
					t.Errorf("%d calls", len(b.paths()))
				}
			})
		})
	}
}

func TestBodiesAreTheEndOfTheLog(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		log := slog.New(cron.LogHandler(slog.DiscardHandler))
		b := program(t, func(r *cron.Registry) {
			r.Register("job", "@yearly", func(ctx context.Context) error {
				for i := range 2500 {
					log.InfoContext(ctx, fmt.Sprintf("ünë %d %s", i, strings.Repeat("x", 50)))
				}
				return nil
			}, cron.Ping(target))
		})
		for _, limit := range []int{100_000, 10_000, 1_000_000, 60} {
			b.header = http.Header{"Ping-Body-Limit": {fmt.Sprint(limit)}}
			if _, err := b.crons.Trigger(t.Context(), "job", scheduler.Request{}); err != nil {
				t.Fatal(err)
			}
			pass(time.Minute)
			body, most := b.asked[len(b.asked)-1].body, min(limit, 100_000)
			if len(body) > most || limit > 1000 && len(body) < most-200 || !strings.HasPrefix(body, "job: succeeded") {
				t.Errorf("limit %d: %d bytes, %.60q", limit, len(body), body)
			}
			if limit > 1000 && (!strings.Contains(body, "ünë 2499 ") || strings.Count(body, "[...]\n") != 1) {
				t.Errorf("limit %d: the end is %q", limit, body[len(body)-100:])
			}
		}
	})
}

func TestNoPingNoPinger(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "@yearly", nothing)
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	p := ping.New(ping.Options{Jobs: jobs})
	if p != nil {
		t.Error("there is a pinger")
	}
	p.Observe(ended("job", cron.Succeeded))
	p.Close(t.Context())
}
