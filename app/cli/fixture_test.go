package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"fibercrons/app/cron"
	"fibercrons/app/env"
	_ "fibercrons/app/store/sqlite"
)

var update = flag.Bool("update", false, "write the golden files in testdata")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

// fixture is a CLI with jobs, environment and folder of its own.
type fixture struct {
	t          *testing.T
	registry   *cron.Registry
	env        map[string]string
	dir        string
	transcript bytes.Buffer
}

func newFixture(t *testing.T) *fixture {
	dir := t.TempDir()
	return &fixture{t: t, registry: cron.NewRegistry(), dir: dir, env: map[string]string{
		"DATABASE_URL": "sqlite://" + filepath.Join(dir, "data", "crons.db"),
		"LOG_FORMAT":   "json",
	}}
}

func load(o ...env.Option) (env.Config, func(context.Context) context.Context, []string, error) {
	c, warnings, err := env.Load(o...)
	return c, nil, warnings, err
}

type result struct {
	status   int
	out, err string
}

func (f *fixture) run(args ...string) result { return f.runContext(context.Background(), args...) }

func (f *fixture) runContext(ctx context.Context, args ...string) result {
	f.t.Helper()
	var out, err bytes.Buffer
	status := execute(ctx, args, &program{
		out: &out, err: &err, Program: Program{Jobs: f.registry, Load: load}, dir: f.dir,
		config: f.options(),
	})
	return result{status, out.String(), err.String()}
}

func (f *fixture) options() []env.Option {
	return []env.Option{env.Env(f.env), env.File("")}
}

// say runs a command and writes it down as a person at a terminal would see it.
func (f *fixture) say(args ...string) result {
	f.t.Helper()
	r := f.run(args...)
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; strings.ContainsAny(a, " *{}\"") || a == "" {
			quoted[i] = "'" + a + "'"
		}
	}
	fmt.Fprintf(&f.transcript, "$ cli %s\n%s", strings.Join(quoted, " "), r.out)
	for line := range strings.Lines(r.err) {
		fmt.Fprintf(&f.transcript, "stderr: %s", line)
	}
	fmt.Fprintf(&f.transcript, "exit %d\n\n", r.status)
	return r
}

var (
	anyUUID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anySource = regexp.MustCompile(`cli/\w+_test\.go:\d+`)
	anyActor  = regexp.MustCompile(`"cli:[^"]*"|by cli:\S+`)
)

// golden compares what was said with testdata/NAME.txt. What differs from machine to machine is
// replaced; times are those of the test's own clock.
func (f *fixture) golden(name string) {
	f.t.Helper()
	got := strings.ReplaceAll(f.transcript.String(), f.dir, "DIR")
	got = anySource.ReplaceAllString(got, "cli/jobs_test.go:1")
	got = anyActor.ReplaceAllString(got, `"cli:someone"`)
	seen := map[string]string{}
	got = anyUUID.ReplaceAllStringFunc(got, func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("00000000-0000-0000-0000-%012d", len(seen)+1)
		}
		return seen[id]
	})
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			f.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		f.t.Fatalf("%v; write it with: go test ./app/cli -update", err)
	}
	if got != string(want) {
		f.t.Errorf("%s has changed; if that is meant: go test ./app/cli -update\n%s", path, difference(string(want), got))
	}
}

// difference shows the first line in which two texts differ.
func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		line := func(s []string) string {
			if i < len(s) {
				return s[i]
			}
			return "(the end)"
		}
		if line(w) != line(g) {
			return fmt.Sprintf("line %d\nwant: %s\ngot:  %s", i+1, line(w), line(g))
		}
	}
	return "nothing"
}
