package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
	"fibercrons/app/part"
)

func (f *fixture) parts() string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "app", "parts", "parts.go"))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func TestAddAndRemoveParts(t *testing.T) {
	f := newFixture(t)
	f.env["CRON_WORKERS"] = "none" // a mistaken configuration is no obstacle
	const before = "package parts\n\nimport (\n\t_ \"example.com/me/app/app/redis\"        // replicas agree by Redis (REDIS_URL)\n\t_ \"example.com/me/app/app/store/sqlite\" // mine: our database\n)\n\n// more of the user's\n"
	f.module(map[string]string{"go.mod": "module example.com/me/app\n", "app/parts/parts.go": before})
	if r := f.run("add", "river", "otel", "redis"); r.status != exitDone || !strings.Contains(r.out, "added river: runs go") || !strings.Contains(r.out, "added otel: ") || !strings.Contains(r.out, "redis is there already") {
		t.Errorf("got %+v", r)
	}
	if got := f.parts(); !strings.Contains(got, "\t_ \"example.com/me/app/app/redis\"        // replicas agree by Redis (REDIS_URL)\n\t_ \"example.com/me/app/app/river\"        // runs go through") ||
		!strings.Contains(got, "\t_ \"example.com/me/app/app/trace\"        // runs are") {
		t.Errorf("after add\n%s", got)
	}
	if r := f.run("add", "river"); r.status != exitDone || r.out != "river is there already\n" {
		t.Errorf("a second time: %+v", r)
	}
	if r := f.run("remove", "otel", "river", "river"); r.status != exitDone || r.out != "removed otel\nremoved river\nriver is not there\n" {
		t.Errorf("got %+v", r)
	}
	if got := f.parts(); got != before {
		t.Errorf("after remove\n%s", got)
	}
}

// Parts go into whatever imports the file has.
func TestAddToAnyList(t *testing.T) {
	const line = "\t_ \"example.com/me/app/app/redis\" // replicas agree by Redis (REDIS_URL)\n"
	for name, test := range map[string]struct{ before, after string }{
		"nothing":       {"package parts\n", "package parts\n\nimport (\n" + line + ")\n"},
		"no line end":   {"package parts", "package parts\n\nimport (\n" + line + ")\n"},
		"an empty list": {"package parts\n\nimport ()\n", "package parts\n\nimport (\n" + line + ")\n"},
		"one import": {
			"// Package parts is mine.\npackage parts\n\nimport _ \"x.example/y\" // mine\n",
			"// Package parts is mine.\npackage parts\n\nimport _ \"x.example/y\" // mine\n\nimport (\n" + line + ")\n",
		},
		"more in the file": {"package parts\n\nvar x = 1\n", "package parts\n\nimport (\n" + line + ")\n\nvar x = 1\n"},
	} {
		f := newFixture(t)
		f.module(map[string]string{"go.mod": "module example.com/me/app\n", "app/parts/parts.go": test.before})
		if r := f.run("add", "redis"); r.status != exitDone || f.parts() != test.after {
			t.Errorf("%s: %+v\n%s", name, r, f.parts())
		}
	}
}

func TestPartsThatCannotBeChanged(t *testing.T) {
	for name, test := range map[string]struct {
		list string
		args []string
		want string
	}{
		"no part":      {"package parts\n", []string{"add"}, "sqlite, postgres"},
		"an unknown":   {"package parts\n", []string{"add", "redis", "kafka"}, `no part "kafka"; there are sqlite, postgres, mysql, redis, mail, metrics, river, asynq, otel; nothing was changed`},
		"a broken":     {"package parts\nimport (\n", []string{"remove", "redis"}, "parts.go:"},
		"without list": {"", []string{"add", "redis"}, "there is no app/parts/parts.go"},
	} {
		f := newFixture(t)
		files := map[string]string{"go.mod": "module fibercrons\n", "app/parts/parts.go": test.list}
		if test.list == "" {
			delete(files, "app/parts/parts.go")
		}
		f.module(files)
		if r := f.run(test.args...); r.status != exitUsage || !strings.Contains(r.err, test.want) {
			t.Errorf("%s: %+v", name, r)
		}
		if test.list != "" && f.parts() != test.list {
			t.Errorf("%s: the list was changed to\n%s", name, f.parts())
		}
	}
}

// Every part of the template can be imported under its path and calls itself by its name; the list that the template
// comes with is written as add writes it.
func TestKnownParts(t *testing.T) {
	shipped, err := os.ReadFile("../parts/parts.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range part.Known {
		dir := filepath.Join("..", "..", filepath.FromSlash(k.Package))
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		registers := false
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			registers = registers || strings.Contains(string(text), "Register(\""+k.Name+"\"")
		}
		if !registers {
			t.Errorf("%s does not register the part %q", k.Package, k.Name)
		}
		for line := range strings.Lines(string(shipped)) {
			if strings.Contains(line, "/"+k.Package+`"`) && !strings.HasSuffix(line, "// "+k.Gives+"\n") {
				t.Errorf("the template's list says of %s\n%s", k.Name, line)
			}
		}
	}
}

// A setting that needs a part is a mistake where it would be used: the queue in the server alone. check names all.
func TestSettingsOfOtherParts(t *testing.T) {
	for name, test := range map[string]struct {
		env           map[string]string
		list, checked int
		want          string
	}{
		"a queue":      {map[string]string{"CRON_EXECUTOR": "asynq", "REDIS_URL": "redis://127.0.0.1:1"}, exitDone, exitUsage, `CRON_EXECUTOR needs the part "asynq"`},
		"mail":         {map[string]string{"ALERT_EMAIL_TO": "a@example.com", "ALERT_EMAIL_FROM": "b@example.com", "SMTP_URL": "smtp://127.0.0.1:1"}, exitUsage, exitUsage, `ALERT_EMAIL_TO needs the part "mail"`},
		"traces":       {map[string]string{"OTEL_TRACES_EXPORTER": "console"}, exitUsage, exitUsage, `OTEL_TRACES_EXPORTER needs the part "otel"`},
		"no traces":    {map[string]string{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, exitDone, exitDone, ""},
		"disabled":     {map[string]string{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, exitDone, exitDone, ""},
		"other labels": {map[string]string{"OTEL_SERVICE_NAME": "crons"}, exitDone, exitDone, ""},
	} {
		f := newFixture(t)
		someJobs(f)
		for k, v := range test.env {
			f.env[k] = v
		}
		listed, checked := f.run("list"), f.run("check")
		if listed.status != test.list || checked.status != test.checked || !strings.Contains(checked.err, test.want) {
			t.Errorf("%s: %+v, check %+v", name, listed, checked)
		}
	}
}

// brings is what comes with each part, and with nothing else that the program has.
var brings = map[string][]string{
	"sqlite":   {"modernc.org/sqlite/lib", "github.com/glebarez/sqlite"},
	"postgres": {"github.com/jackc/pgx/v5", "gorm.io/driver/postgres"},
	"mysql":    {"github.com/go-sql-driver/mysql", "gorm.io/driver/mysql"},
	"redis":    {"github.com/gomodule/redigo/redis"},
	"mail":     {"github.com/wneessen/go-mail"},
	"metrics":  {"github.com/prometheus/client_golang/prometheus"},
	"river":    {"github.com/riverqueue/river"},
	"asynq":    {"github.com/hibiken/asynq"},
	"otel":     {"go.opentelemetry.io/otel/sdk/trace", "google.golang.org/grpc/status"},
}

// A part that is taken out takes what it needs out of both programs, and one that is added brings it, without a change
// of go.mod and under another module's path. With -build the programs are also built and run.
func TestPartsOfABuild(t *testing.T) {
	f := newFixture(t)
	copyModule(t, "../..", f.dir)
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone {
		t.Fatalf("got %+v", r)
	}
	mod, err := os.ReadFile(filepath.Join(f.dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	holds := func(name string) (all, some bool) {
		packages := "\n" + goTool(t, f.dir, "list", "-deps", "./cmd/server", "./cmd/cli")
		all = true
		for _, path := range brings[name] {
			has := strings.Contains(packages, "\n"+path+"\n")
			all, some = all && has, some || has
		}
		return all, some
	}
	if r := f.run(append([]string{"remove"}, partNames()...)...); r.status != exitDone {
		t.Fatalf("got %+v", r)
	}
	for _, name := range partNames() {
		if _, some := holds(name); some {
			t.Errorf("a program without parts is built with %v", brings[name])
		}
		if r := f.run("add", name); r.status != exitDone || r.out == "" {
			t.Fatalf("got %+v", r)
		}
		if all, _ := holds(name); !all || len(brings[name]) == 0 {
			t.Errorf("a program with the part %s is built without %v", name, brings[name])
		}
		if *buildAll {
			if out := goTool(t, f.dir, "run", "./cmd/cli", "version"); !strings.HasSuffix(out, "parts: "+name+"\n") {
				t.Errorf("a program with the part %s says\n%s", name, out)
			}
		}
		if r := f.run("remove", name); r.status != exitDone {
			t.Fatalf("got %+v", r)
		}
	}
	if after, err := os.ReadFile(filepath.Join(f.dir, "go.mod")); err != nil || string(after) != string(mod) {
		t.Errorf("go.mod has changed (%v)", err)
	}
}

// What the list of this program leaves out is in neither program.
func TestPartsThatAreOut(t *testing.T) {
	list, err := source.ReadParts("../..")
	if err != nil {
		t.Fatal(err)
	}
	prefixes := map[string][]string{
		"river": {"github.com/riverqueue/"}, "asynq": {"github.com/hibiken/"}, "otel": {"google.golang.org/grpc", "go.opentelemetry.io/"},
		"metrics": {"github.com/prometheus/"}, "mail": {"github.com/wneessen/"},
	}
	packages, seen := goTool(t, "../..", "list", "-deps", "./cmd/server", "./cmd/cli"), 0
	for _, k := range part.Known {
		if list.Has(k.Package) {
			continue
		}
		for path := range strings.Lines(packages) {
			seen++
			for _, prefix := range prefixes[k.Name] {
				if strings.HasPrefix(path, prefix) {
					t.Errorf("built without %s and yet with %s", k.Name, path)
				}
			}
		}
	}
	if seen < 300 {
		t.Skip("every part is in this program")
	}
}
