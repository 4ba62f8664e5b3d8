package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/env"
	"fibercrons/app/scheduler"
)

func withReports(f *fixture) {
	someJobs(f)
	f.registry.Register("send", cron.OnDemand, func(context.Context) error { return nil }, cron.Args(reportArgs{Month: "2027-01", Copies: 1}))
}

func TestStoredSchedules(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		withReports(f)
		f.say("schedule", "list")
		f.say("schedule", "put", "tenant-42/daily", "--job", "send", "--expr", "0 9 * * MON-FRI", "--tz", "Europe/Berlin",
			"--args", `{"copies": 2}`, "--meta", "plan=pro", "--meta", "city=Köln", "--until", "2000-06-01T00:00:00Z", "--max-runs", "100")
		f.say("schedule", "put", "tenant-43/daily", "--job", "send", "--expr", "@daily", "-o", "json")
		f.say("schedule", "put", "tenant-43/daily", "--job", "send", "--expr", "@daily")
		f.say("schedule", "put", "tenant-43/daily", "--job", "send", "--expr", "@weekly", "--paused")
		f.say("schedule", "list")
		f.say("schedule", "list", "--search", "KÖLN", "-o", "csv")
		f.say("schedule", "list", "--meta", "plan=pro", "--paused=false", "--limit", "1", "-o", "json")
		f.say("schedule", "list", "--limit", "1")
		f.say("schedule", "show", "tenant-42/daily")
		f.say("schedule", "pause", "tenant-42/daily", "--reason", "has not paid", "--until", "48h")
		f.say("schedule", "list", "--paused")
		f.say("schedule", "resume", "tenant-42/daily")
		f.say("schedule", "export")
		f.say("schedule", "delete", "tenant-42/daily")
		f.say("schedule", "show", "tenant-42/daily")
		f.golden("stored")
	})
}

func TestMistakesInStoredSchedules(t *testing.T) {
	for _, test := range []struct {
		name, args string
		status     int
		want       string
	}{
		{"no job", "put a --expr @daily", 2, "--job is missing"},
		{"no expression", "put a --job send", 2, "--expr is missing"},
		{"unknown job", "put a --job sned --expr @daily", 4, `did you mean "send"?`},
		{"arguments are not JSON", "put a --job send --expr @daily --args {x}", 2, "--args is not JSON"},
		{"metadata", "put a --job send --expr @daily --meta plan", 2, "--meta plan=pro"},
		{"metadata twice", "put a --job send --expr @daily --meta a=1 --meta a=2", 2, "not a new key"},
		{"an instant", "put a --job send --expr @daily --from soon", 2, "--from"},
		{"several", "put a --job send --expr 61 --max-runs -1", 2, "/max_runs"},
		{"none to show", "show a", 4, `no schedule "a"`},
		{"none to delete", "delete a", 4, `no schedule "a"`},
		{"none to pause", "pause a", 4, `no schedule "a"`},
		{"none to resume", "resume a", 4, `no schedule "a"`},
		{"no file", "import nowhere.jsonl", 2, "nowhere.jsonl"},
		{"a filter", "list --meta x", 2, "--meta"},
		{"a limit", "list --limit 0", 2, "out of range"},
		{"unknown command", "lst", 2, "did you mean cli schedule list?"},
		{"the past", "pause a --until 1999-01-01T00:00:00Z", 2, "has passed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			withReports(f)
			r := f.run(append([]string{"schedule"}, strings.Fields(test.args)...)...)
			if r.status != test.status || !strings.Contains(r.err, test.want) || r.out != "" {
				t.Errorf("got status %d, stdout %q, stderr %q; want status %d, stderr with %q", r.status, r.out, r.err, test.status, test.want)
			}
			if entries, err := os.ReadDir(f.dir); err != nil || len(entries) > 0 && test.name != "several" {
				t.Errorf("a mistake has left %v behind (%v)", entries, err)
			}
		})
	}
}

// What export prints is what import reads, from a file and from the standard input.
func TestSchedulesRoundTrip(t *testing.T) {
	f := newFixture(t)
	withReports(f)
	var text strings.Builder
	for i := range 2500 {
		text.WriteString(`{"id":"s/` + strings.Repeat("x", i%7) + string(rune('a'+i%20)) + `-` + time.Unix(int64(i), 0).UTC().Format("150405") + `","job":"send","expr":"@daily","args":{"month":"2027-02","copies":1}}` + "\n")
	}
	file := filepath.Join(f.dir, "in.jsonl")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := f.run("schedule", "import", file); r.status != exitDone || r.out != "2500 created, 0 changed, 0 unchanged\n" || r.err != "" {
		t.Fatalf("%+v", r)
	}
	exported := f.run("schedule", "export")
	if n := strings.Count(exported.out, "\n"); n != 2500 || exported.status != exitDone {
		t.Fatalf("%d lines, status %d", n, exported.status)
	}
	var out, errs bytes.Buffer
	status := execute(t.Context(), []string{"schedule", "import", "-", "-o", "json"}, &program{
		in: strings.NewReader(exported.out), out: &out, err: &errs, Program: Program{Jobs: f.registry, Load: load}, dir: f.dir, config: f.options(),
	})
	var done imported
	if err := json.Unmarshal(out.Bytes(), &done); err != nil || status != exitDone || done.Unchanged != 2500 || done.Created+done.Changed+done.Wrong != 0 || len(done.Errors) != 0 {
		t.Errorf("status %d, %s %s (%v)", status, out.String(), errs.String(), err)
	}
	if filtered := f.run("schedule", "export", "--search", "s/xxxxxx"); strings.Count(filtered.out, "\n") != 357 {
		t.Errorf("%d lines", strings.Count(filtered.out, "\n"))
	}
}

func TestImportWithMistakes(t *testing.T) {
	f := newFixture(t)
	withReports(f)
	file := filepath.Join(f.dir, "in.jsonl")
	if err := os.WriteFile(file, []byte("{\"id\":\"a\",\"job\":\"send\",\"expr\":\"61 * * * *\",\"zone\":\"UTC\"}\n{\"id\":\"b\",\"job\":\"send\",\"expr\":\"@daily\"}\nnothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := f.run("schedule", "import", file)
	if r.status != exitUsage || r.out != "1 created, 0 changed, 0 unchanged, 2 lines left out\n" || !strings.Contains(r.err, "line 1 (a): /zone: is unknown") || !strings.Contains(r.err, "/expr: minute 61") || !strings.Contains(r.err, "line 3: is not JSON") {
		t.Errorf("%+v", r)
	}
}

func TestRunJobLater(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		withReports(f)
		f.say("run-job", "hello", "--at", "2000-01-01T09:00:00Z")
		f.say("run-job", "report", "--at", "2h", "--args", `{"copies": 3}`, "-o", "json")
		f.say("run-job", "hello", "--at", "1999-12-31T00:00:00Z")
		f.say("run-job", "hello", "--at", "soon")
		f.say("history")
		f.say("cancel", "hello")
		f.say("history", "hello", "-o", "csv")
		f.golden("later")
	})
}

func TestHistoryOfASchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFixture(t)
		withReports(f)
		f.run("schedule", "put", "a/b", "--job", "send", "--expr", "@daily")
		f.run("run-job", "send")
		cfg, _, err := env.Load(f.options()...)
		if err != nil {
			t.Fatal(err)
		}
		a, err := app.New(t.Context(), cfg, f.registry, app.Log(slog.New(slog.DiscardHandler)))
		if err != nil {
			t.Fatal(err)
		}
		rec, err := a.Crons.By(contract.Caller{Actor: "ada"}).TriggerSchedule(t.Context(), "a/b", scheduler.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Crons.Await(t.Context(), rec.ID); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.Crons.Close(t.Context()), a.Close()); err != nil {
			t.Fatal(err)
		}
		f.say("history")
		f.say("history", "--schedule", "a/b")
		f.say("history", "--schedule", "a/b", "-o", "csv")
		f.say("history", "--schedule", "none")
		f.say("schedule", "list")
		f.golden("stored_history")
	})
}
