package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/env"
	"fibercrons/app/scheduler"
)

type reportArgs struct {
	Month  string `json:"month"`
	Copies int    `json:"copies"`
}

// someJobs are enough to see every column filled.
func someJobs(f *fixture) {
	f.registry.Register("hello", "*/5 * * * *", func(ctx context.Context) error {
		slog.InfoContext(ctx, "hello", "to", "world")
		return nil
	})
	f.registry.Register("report", "30 9 * * MON-FRI", func(ctx context.Context) error {
		args := cron.ArgsFrom[reportArgs](ctx)
		slog.InfoContext(ctx, "report", "month", args.Month, "copies", args.Copies)
		time.Sleep(1500 * time.Millisecond) // the test's own clock
		return nil
	}, cron.In("Europe/Berlin"), cron.Describe("Mails the daily report"), cron.Tags("mail", "daily"),
		cron.Meta("owner", "billing"), cron.Timeout(time.Minute), cron.Args(reportArgs{Month: "2027-01", Copies: 1}))
	f.registry.Register("broken", "@hourly", func(context.Context) error {
		return errors.New("partner answered 503")
	}, cron.Tags("mail"))
	f.registry.Register("nightly", "0 3 * * *", func(context.Context) error { return nil }, cron.Only("production"))
}

func TestReadingNeedsNoDatabase(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		someJobs(f)
		f.say("list")
		f.say("list", "--tag", "mail", "-o", "csv")
		f.say("list", "--status", "disabled", "-o", "json")
		f.say("list", "--tag", "nothing")
		f.say("show", "report")
		f.say("next", "report", "--count", "3")
		f.say("history", "hello")
		f.say("history", "hello", "-o", "json")
		f.say("status")
		f.say("status", "-o", "json")
		f.say("timeline", "--to", "2000-01-01T00:00:00Z")
		f.say("logs", "hello")
		f.say("cancel", "hello")
		f.say("migrate", "status")
		f.golden("no_database")
		if entries, err := os.ReadDir(f.dir); err != nil || len(entries) > 0 {
			t.Errorf("reading has left %v behind (%v)", entries, err)
		}
	})
}

func TestRunningAndLookingBack(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		someJobs(f)
		f.say("run-job", "hello")
		f.say("run-job", "--name", "report", "--args", `{"month": "2027-02"}`)
		f.say("run-job", "broken", "-o", "json")
		f.say("list")
		f.say("history", "report", "-o", "json")
		f.say("history", "-o", "csv")
		f.say("history", "--status", "failed")
		f.say("logs", "report")
		f.say("logs", "report", "-o", "json")
		f.say("show", "broken")
		f.say("status")
		f.say("timeline", "--to", "2000-01-01T00:05:00Z")
		f.say("timeline", "--to", "2000-01-01T00:05:00Z", "-o", "csv")
		f.say("timeline", "--from", "2001-01-01T00:00:00Z", "--to", "2000-01-01T00:00:00Z")
		f.say("migrate", "status", "-o", "json")
		f.golden("runs")
	})
}

func TestPausing(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		someJobs(f)
		f.say("run-job", "hello")
		f.say("pause", "hello", "--reason", "partner is down", "--until", "2h")
		f.say("list", "--status", "paused")
		f.say("run-job", "hello")
		f.say("run-job", "hello", "--force")
		f.say("resume", "hello")
		f.say("list", "--status", "paused", "-o", "json")
		f.golden("pause")
	})
}

func TestBackfill(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		f := newFixture(t)
		f.registry.Register("load", "@hourly", func(ctx context.Context) error {
			slot := cron.RunFrom(ctx).Slot()
			slog.InfoContext(ctx, "load", "hour", slot)
			if slot.Hour() == 2 {
				return errors.New("no data for that hour")
			}
			return nil
		})
		f.say("backfill", "load", "--from", "2000-01-01T00:30:00Z", "--to", "2000-01-01T03:00:00Z", "--dry-run")
		f.say("backfill", "load", "--from", "2000-01-01T00:30:00Z", "--to", "2000-01-01T03:00:00Z")
		f.say("history", "load")
		f.say("backfill", "load")
		f.say("backfill", "load", "--from", "2000-01-02T00:00:00Z", "--to", "2000-01-01T00:00:00Z")
		f.say("backfill", "load", "--from", "2000-01-02T00:00:00Z", "--to", "2000-02-01T00:00:00Z")
		f.golden("backfill")
	})
}

// A schedule that was put in place at run time is the one that is told about.
func TestOverriddenSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		someJobs(f)
		cfg, _, err := env.Load(f.options()...)
		if err != nil {
			t.Fatal(err)
		}
		a, err := app.New(t.Context(), cfg, f.registry, app.Log(slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Crons.Reschedule(t.Context(), "hello", "15 7 * * *", "Europe/Berlin", "someone"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.Crons.Close(t.Context()), a.Close()); err != nil {
			t.Fatal(err)
		}
		f.say("list", "--search", "hello")
		f.say("next", "hello", "-n", "2")
		f.say("explain", "hello")
		f.say("backfill", "hello", "--from", "1999-12-30T00:00:00Z", "--dry-run")
		if r := f.run("show", "hello"); !strings.Contains(r.out, "by someone, in place of */5 * * * *") {
			t.Errorf("got %+v", r)
		}
		f.golden("override")
	})
}

func TestSchedules(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.env["DATABASE_URL"] = "sqlite:///nowhere/at/all.db" // is not looked at
		f.say("next", "--expr", "*/15 9-17 * * MON-FRI", "--from", "2027-01-01T00:00:00Z", "--count", "2")
		f.say("next", "--expr", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2027-03-27T00:00:00Z", "-n", "3", "-o", "json")
		f.say("next", "--expr", "30 2 * * *", "--tz", "Europe/Berlin", "--from", "2027-03-27T00:00:00Z", "-n", "3", "-o", "csv")
		f.say("next", "@every 90s", "-n", "2")
		f.say("next", "--expr", "60 * * * *")
		f.say("next", "--expr", "0 0 30 2 *")
		f.say("next", "--expr", "* * * * *", "--tz", "Europe/Berln")
		f.say("next", "--expr", "* * * * *", "--from", "tomorrow")
		f.say("next", "--expr", "* * * * *", "-n", "0")
		f.say("next")
		f.say("explain", "30 2 1,15 * MON-FRI", "--tz", "Europe/Berlin", "--from", "2027-01-01T00:00:00Z")
		f.say("explain", "*/5 9-17 L * *", "-o", "json")
		f.say("explain", "@daily")
		f.say("explain", "@every 90s")
		f.golden("schedules")
	})
}

func TestMistakesHaveAStatusAndARemedy(t *testing.T) {
	for _, test := range []struct {
		name   string
		args   []string
		env    map[string]string
		status int
		want   string
	}{
		{"unknown command", []string{"lst"}, nil, 2, `unknown command "lst"; did you mean cli list?`},
		{"unlike any command", []string{"frobnicate"}, nil, 2, `unknown command "frobnicate"; see cli --help`},
		{"unknown command below one", []string{"alert", "tset"}, nil, 2, `did you mean cli alert test?`},
		{"argument for a command without", []string{"list", "hello"}, nil, 2, `list takes no argument such as "hello"; see cli list --help`},
		{"unknown flag", []string{"list", "--wat"}, nil, 2, "see cli list --help"},
		{"unknown format", []string{"list", "-o", "xml"}, nil, 2, "use table, json, csv"},
		{"csv of one thing", []string{"show", "hello", "-o", "csv"}, nil, 2, "use table, json"},
		{"unknown status", []string{"list", "--status", "gone"}, nil, 2, "use scheduled, running, paused or disabled"},
		{"no name", []string{"run-job"}, nil, 2, "see: cli list"},
		{"two names", []string{"run-job", "hello", "--name", "report"}, nil, 2, "name one"},
		{"arguments are not JSON", []string{"run-job", "report", "--args", "{month}"}, nil, 2, "is not JSON"},
		{"unknown argument", []string{"run-job", "report", "--args", `{"moth": "x"}`}, nil, 2, "/moth"},
		{"arguments for a job without", []string{"run-job", "hello", "--args", `{"a": 1}`}, nil, 2, "takes no arguments"},
		{"unknown job", []string{"show", "helo"}, nil, 4, `did you mean "hello"?`},
		{"unknown job to run", []string{"run-job", "helo"}, nil, 4, `did you mean "hello"?`},
		{"unknown job to pause", []string{"pause", "helo"}, nil, 4, `did you mean "hello"?`},
		{"unknown job for its next slots", []string{"next", "helo"}, nil, 4, `did you mean "hello"?`},
		{"unknown job's history", []string{"history", "helo"}, nil, 4, `did you mean "hello"?`},
		{"unknown run", []string{"logs", "helo"}, nil, 4, `did you mean job "hello"?`},
		{"no run to cancel", []string{"cancel", "hello"}, nil, 4, "not running"},
		{"the past", []string{"pause", "hello", "--until", "2001-01-01T00:00:00Z"}, nil, 2, "has passed"},
		{"configuration", []string{"list"}, map[string]string{"CRON_WORKERS": "many", "PORT": "x"}, 2, "CRON_WORKERS"},
		{"misspelt variable beside a mistake", []string{"list"}, map[string]string{"HOST": "0.0.0.0", "CRON_OPERATOR_TOKN": "0123456789abcdef"}, 2, "the nearest one is CRON_OPERATOR_TOKEN"},
		{"export", []string{"export", "zabbix"}, nil, 2, "use grafana or alerts"},
		{"shell", []string{"completion", "tcsh"}, nil, 2, "use bash, zsh, fish or powershell"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			someJobs(f)
			for k, v := range test.env {
				f.env[k] = v
			}
			r := f.run(test.args...)
			if r.status != test.status || !strings.Contains(r.err, test.want) || r.out != "" {
				t.Errorf("got status %d, stdout %q, stderr %q; want status %d, stderr with %q", r.status, r.out, r.err, test.status, test.want)
			}
			if entries, err := os.ReadDir(f.dir); err != nil || len(entries) > 0 && test.args[0] != "run-job" {
				t.Errorf("a mistake has left %v behind (%v)", entries, err)
			}
		})
	}
}

func TestUnusableStore(t *testing.T) {
	f := newFixture(t)
	someJobs(f)
	path := filepath.Join(f.dir, "letter.txt")
	const text = "Dear database, you are not one. "
	if err := os.WriteFile(path, []byte(strings.Repeat(text, 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	f.env["DATABASE_URL"] = "sqlite://" + path
	for _, command := range [][]string{{"list"}, {"history"}, {"run-job", "hello"}, {"pause", "hello"}, {"migrate"}, {"status"}} {
		r := f.run(command...)
		if r.status != exitStore || !strings.Contains(r.err, "letter.txt") || !strings.Contains(r.err, "not an SQLite database") {
			t.Errorf("%v: got status %d, stderr %q", command, r.status, r.err)
		}
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != strings.Repeat(text, 100) {
		t.Errorf("the user's file was changed: %v", err)
	}
}

// Ctrl-C cancels the run and waits until that is recorded.
// A database whose part is not in the build is a mistake of the configuration.
func TestDatabaseOfAnotherBuild(t *testing.T) {
	f := newFixture(t)
	f.env["DATABASE_URL"] = "mysql://u:hunter2@127.0.0.1:1/d"
	for _, args := range [][]string{{"list"}, {"migrate"}, {"migrate", "status"}} {
		r := f.run(args...)
		if r.status != exitUsage || !strings.Contains(r.err, `DATABASE_URL needs the part "mysql"`) || !strings.Contains(r.err, "go run ./cmd/cli add mysql") || strings.Contains(r.err, "hunter2") {
			t.Errorf("%v: status %d, %s", args, r.status, r.err)
		}
	}
}

func TestInterruptCancelsTheRun(t *testing.T) {
	f := newFixture(t)
	ctx, interrupt := context.WithCancel(t.Context())
	f.registry.Register("long", "@yearly", func(ctx context.Context) error {
		interrupt()
		<-ctx.Done()
		return ctx.Err()
	})
	if r := f.runContext(ctx, "run-job", "long"); r.status != exitFailed || !strings.Contains(r.out, "cancelled") {
		t.Fatalf("got %+v", r)
	}
	var records []cron.Record
	if r := f.run("history", "long", "-o", "json"); json.Unmarshal([]byte(r.out), &records) != nil || len(records) != 1 {
		t.Fatalf("got %+v", r)
	}
	if got := records[0]; got.Status != cron.Cancelled || got.Reason != cron.ReasonRequested {
		t.Errorf("recorded as %s (%s)", got.Status, got.Reason)
	}
}

// Ctrl-C ends a backfill: of the runs that wait for the one that goes on none begins.
func TestInterruptCancelsABackfill(t *testing.T) {
	f := newFixture(t)
	ctx, interrupt := context.WithCancel(t.Context())
	var calls atomic.Int32
	f.registry.Register("long", "@hourly", func(ctx context.Context) error {
		calls.Add(1)
		interrupt()
		<-ctx.Done()
		return ctx.Err()
	})
	r := f.runContext(ctx, "backfill", "long", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-01T05:00:00Z")
	if r.status != exitFailed || strings.Count(r.out, "job long cancelled (requested)") != 6 {
		t.Errorf("got %+v", r)
	}
	if n := calls.Load(); n != 1 {
		t.Errorf("%d runs began", n)
	}
}

// A server and the CLI share one database: what one does the other sees, and cancels.
func TestBesideARunningServer(t *testing.T) {
	f := newFixture(t)
	started := make(chan struct{})
	f.registry.Register("long", "@yearly", func(ctx context.Context) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	cfg, _, err := env.Load(f.options()...)
	if err != nil {
		t.Fatal(err)
	}
	server, err := app.New(t.Context(), cfg, f.registry, app.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	record, err := server.Crons.Trigger(ctx, "long", scheduler.Request{})
	if err != nil {
		t.Fatal(err)
	}
	<-started
	if r := f.run("run-job", "long"); r.status != exitRefused || !strings.Contains(r.err, "does not overlap") {
		t.Errorf("a second run: %+v", r)
	}
	if r := f.run("list", "--status", "running", "-o", "csv"); !strings.Contains(r.out, "long,") {
		t.Errorf("list: %+v", r)
	}
	if r := f.run("cancel", "long"); r.status != exitDone || !strings.Contains(r.out, record.ID) {
		t.Errorf("cancel: %+v", r)
	}
	if record, err = server.Crons.Await(ctx, record.ID); err != nil || record.Status != cron.Cancelled {
		t.Errorf("the run ended as %s (%v)", record.Status, err)
	}
	stop()
	if err := errors.Join(<-ended, server.Close()); err != nil {
		t.Error(err)
	}
}

// logs -f prints what a run in another process logs, while it runs, and ends with it.
func TestFollowingARun(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.registry.Register("long", "@yearly", func(ctx context.Context) error {
			for i := range 3 {
				slog.InfoContext(ctx, "step", "n", i)
				time.Sleep(10 * time.Second)
			}
			return nil
		})
		go f.run("run-job", "long")
		time.Sleep(5 * time.Second)
		began := time.Now()
		r := f.run("logs", "-f", "long", "-o", "json")
		if r.status != exitDone || strings.Count(r.out, `"message":"step"`) != 3 {
			t.Errorf("got %+v", r)
		}
		if took := time.Since(began); took < 24*time.Second || took > 27*time.Second {
			t.Errorf("the run had 25 s left, and was followed for %s", took)
		}
		if r := f.run("logs", "long", "-o", "json"); strings.Count(r.out, `"message": "step"`) != 3 {
			t.Errorf("afterwards: %+v", r)
		}
		r = f.run("logs", "long", "-o", "csv")
		if lines := strings.Split(r.out, "\n"); len(lines) != 5 || lines[0] != "seq,time,attempt,level,message,attrs" ||
			!strings.HasPrefix(lines[2], "2,2000-01-01T00:00:10Z,1,INFO,step,") {
			t.Errorf("as CSV: %+v", r)
		}
	})
}

// A function that ignores its context is seen to do so from another process, in whichever attempt.
func TestOverdueRunsAreShown(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		f.registry.Register("stuck", "@yearly", func(ctx context.Context) error {
			if cron.RunFrom(ctx).Attempt() == 1 {
				return errors.New("the first attempt fails")
			}
			time.Sleep(5 * time.Minute)
			return nil
		}, cron.Timeout(10*time.Second), cron.Retry(1, cron.Fixed(time.Minute)))
		go f.run("run-job", "stuck")
		time.Sleep(time.Minute + 5*time.Second)
		for _, command := range [][]string{{"history", "stuck"}, {"status"}} {
			if r := f.run(command...); !strings.Contains(r.out, "running  ") || strings.Contains(r.out, "overdue") {
				t.Errorf("%v within the timeout: %+v", command, r)
			}
		}
		time.Sleep(10 * time.Second)
		for _, command := range [][]string{{"history", "stuck"}, {"status"}} {
			if r := f.run(command...); !strings.Contains(r.out, "running (overdue)") {
				t.Errorf("%v past the timeout: %+v", command, r)
			}
		}
		time.Sleep(5 * time.Minute)
	})
}

// What comes from jobs cannot do anything to the terminal.
func TestOutputIsInert(t *testing.T) {
	const nasty = "a\x1b]0;owned\x07b\x1b[2Jc\u009b31md\u202ee\x7f\nf\r\xffg"
	f := newFixture(t)
	f.env["LOG_FORMAT"] = "text"
	f.registry.Register("nasty", "@hourly", func(ctx context.Context) error {
		slog.InfoContext(ctx, nasty, nasty, nasty, "group", slog.GroupValue(slog.String("in", nasty)))
		slog.ErrorContext(ctx, "error", "error", errors.New(nasty))
		return errors.New(nasty)
	}, cron.Describe(nasty), cron.Meta(nasty, nasty), cron.Tags("<b>"))
	if r := f.run("run-job", "nasty"); r.status != exitFailed {
		t.Fatalf("got %+v", r)
	}
	for _, command := range [][]string{
		{"run-job", "nasty", "-o", "json"},
		{"list"}, {"list", "-o", "json"}, {"list", "-o", "csv"},
		{"show", "nasty"}, {"show", "nasty", "-o", "json"},
		{"history"}, {"history", "-o", "json"}, {"history", "-o", "csv"},
		{"logs", "nasty"}, {"logs", "nasty", "-o", "json"}, {"logs", "nasty", "-o", "csv"}, {"logs", "-f", "nasty", "-o", "json"},
		{"status"}, {"check"}, {"list", "--tag", nasty}, {"show", nasty}, {"next", nasty}, {"logs", nasty},
		{"list", "-o", nasty}, {nasty}, {"list", "--" + nasty}, {"pause", "nasty", "--until", nasty},
	} {
		r := f.run(command...)
		for _, bad := range []string{"\x1b", "\x07", "\u009b", "\u202e", "\x7f", "\r", "\xff"} {
			if strings.Contains(r.out, bad) && (bad != "\u202e" || !strings.Contains(strings.Join(command, " "), "json")) || strings.Contains(r.err, bad) {
				t.Errorf("%.40q: output has a raw %q:\n%q\n%q", command, bad, r.out, r.err)
			}
		}
	}
	r := f.run("history", "-o", "csv")
	rows, err := csv.NewReader(strings.NewReader(r.out)).ReadAll()
	if err != nil || len(rows) != 2+1 {
		t.Errorf("CSV of two runs has %d rows (%v): %+v", len(rows), err, r)
	}
}
