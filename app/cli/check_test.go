package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
)

func nothing(context.Context) error { return nil }

func TestCheckFindsWhatGoLeavesOut(t *testing.T) {
	const job = "package jobs\n\nimport \"example.com/me/app/app/cron\"\n\nfunc init() {\n\tcron.Register(\"x\", \"@daily\", nil)\n}\n"
	other := "windows"
	if runtime.GOOS == other {
		other = "linux"
	}
	f := newFixture(t)
	f.module(map[string]string{
		"go.mod":                            "module example.com/me/app\n",
		"jobs/good.go":                      job,
		"jobs/cleanup_" + other + ".go":     job,
		"jobs/x_test.go":                    job,
		"jobs/good_test.go":                 "package jobs\n\nfunc f(r registry) { r.Register() }\n",
		"jobs/_draft.go":                    job,
		"jobs/.hidden.go":                   job,
		"jobs/tagged.go":                    "//go:build never\n\n" + job,
		"jobs/only_" + runtime.GOOS + ".go": job,
		"jobs/sub/lost.go":                  strings.Replace(job, "jobs", "sub", 1),
		"jobs/found/found.go":               strings.Replace(job, "jobs", "found", 1),
		"jobs/import.go":                    "package jobs\n\nimport _ \"example.com/me/app/jobs/found\"\n",
		"jobs/testdata/data.go":             job,
		"jobs/notes.txt":                    "",
	})
	r := f.run("check")
	if r.status != exitUsage {
		t.Errorf("status %d, stdout %q", r.status, r.out)
	}
	for _, want := range []string{
		"jobs/cleanup_" + other + ".go: Go leaves this file out, because the end of its name",
		"jobs/x_test.go:6: a file that ends in _test.go",
		"jobs/_draft.go: Go leaves out files whose name begins with \"_\"",
		"jobs/.hidden.go: Go leaves out files whose name begins with \".\"",
		"jobs/tagged.go: Go leaves this file out, because its build constraint",
		"warning: jobs/only_" + runtime.GOOS + ".go: this file is built here but not everywhere",
		"jobs/sub/lost.go: Go takes a folder for a package of its own",
	} {
		if !strings.Contains(r.err, want) {
			t.Errorf("no %q in:\n%s", want, r.err)
		}
	}
	if n := strings.Count(r.err, "\n"); n != 7 {
		t.Errorf("%d findings, want 7:\n%s", n, r.err)
	}
}

func TestCheckTellsEverythingAtOnce(t *testing.T) {
	f := newFixture(t)
	f.registry.Register("twice", "@daily", nothing)
	f.registry.Register("twice", "@hourly", nothing)
	f.registry.Register("runs", "@daily", nothing)
	f.registry.Register("broken", "61 * * * *", nothing)
	f.env["CRON_WORKERS"] = "many"
	f.env["CRON_WORKRES"] = "1"
	r := f.run("check", "-o", "json")
	var found findings
	if err := json.Unmarshal([]byte(r.out), &found); err != nil {
		t.Fatalf("%v in %q", err, r.out)
	}
	if r.status != exitUsage || found.OK || len(found.Mistakes) != 4 || len(found.Warnings) != 1 {
		t.Errorf("got status %d and %+v", r.status, found)
	}
	for _, want := range []string{"the name is taken", "reserved", "minute 61", "CRON_WORKERS"} {
		if !strings.Contains(strings.Join(found.Mistakes, "\n"), want) {
			t.Errorf("no %q in %q", want, found.Mistakes)
		}
	}
}

func TestCheckStrict(t *testing.T) {
	f := newFixture(t)
	f.registry.Register("endless", "@daily", nothing)
	if r := f.run("check"); r.status != exitDone || !strings.Contains(r.err, "warning: ") || !strings.Contains(r.out, "1 job: no mistakes, 1 warning") {
		t.Errorf("check: %+v", r)
	}
	if r := f.run("check", "--strict"); r.status != exitDone || !strings.Contains(r.err, "warning: without a timeout") {
		t.Errorf("check --strict: %+v", r)
	}
	f.env["CRON_WORKRES"] = "3"
	if r := f.run("check", "--strict"); r.status != exitUsage || !strings.Contains(r.err, "CRON_WORKERS") || r.out != "" {
		t.Errorf("check --strict with a warning: %+v", r)
	}
	delete(f.env, "CRON_WORKRES")
	f.env["CRON_DEFAULT_TIMEOUT"] = "1m"
	if r := f.run("check", "--strict"); r.status != exitDone || r.err != "" {
		t.Errorf("check --strict with a default timeout: %+v", r)
	}
}

func TestCheckSeesHerds(t *testing.T) {
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		expr    string
		n       int
		workers int
		want    string
	}{
		{"0 3 * * *", 9, 64, ""},
		{"0 3 * * *", 10, 64, "10 jobs start together at 2027-01-01T03:00:00Z: job-0, job-1, job-2, ...; spread"},
		{"0 3 * * *", 10, 4, "only CRON_WORKERS=4 can go on at once"},
		{"H 3 * * *", 10, 64, ""},
		{"@every 1s", 10, 64, "start together"},
	} {
		r := cron.NewRegistry()
		for i := range test.n {
			r.Register(fmt.Sprintf("job-%d", i), test.expr, nothing)
		}
		jobs, err := r.Jobs(cron.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(herds(jobs, test.workers, now), "\n")
		if !strings.Contains(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%d x %q: got %q, want %q", test.n, test.expr, got, test.want)
		}
	}
	gone := cron.NewRegistry()
	gone.Register("once", "@at 2026-01-01T00:00:00Z", nothing, cron.Timeout(time.Minute))
	jobs, err := gone.Jobs(cron.Defaults{})
	if err != nil {
		t.Skip("a passed @at is refused at registration:", err)
	}
	if list := doubts(jobs, 64, now); !slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, "will not fire again") }) {
		t.Errorf("got %q", list)
	}
}
