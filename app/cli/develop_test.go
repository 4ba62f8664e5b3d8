package cli

import (
	"bytes"
	"cmp"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
)

// named puts paths in where a rename of this file would not leave them alone.
func named(files map[string]string) map[string]string {
	for name, text := range files {
		files[name] = strings.NewReplacer("TEMPLATE", source.Template, "TARGET", "example.com/me/app").Replace(text)
	}
	return files
}

func TestRename(t *testing.T) {
	f := newFixture(t)
	f.module(named(map[string]string{
		"go.mod":           "module fibercrons\n\ngo 1.26\n\nrequire example.com/fibercrons/other v1.0.0\n",
		"app/bench/go.mod": "module TEMPLATE/app/bench\n\nrequire fibercrons v0.0.0\n\nreplace fibercrons => ../..\n",
		".golangci.yml":    "settings:\n  local-prefixes:\n    - fibercrons\n",
		"Dockerfile":       "RUN go build -ldflags '-X TEMPLATE/app.version=1' -o /fibercrons ./cmd/server\n",
		"README.md":        "# fibercrons\n\nimport \"TEMPLATE/app/cron\"\n",
		"jobs/a.go":        "package jobs\n\nimport (\n\t_ \"fibercrons\"\n\t_ \"TEMPLATE/app/cron\"\n\t_ \"TEMPLATE/internal/mine\"\n\t_ \"fibercronsx/app\"\n)\n\nconst s = \"TEMPLATE/app and fibercrons and /data/TEMPLATE/app\"\n",
		"jobs/broken.go":   "package jobs\n\nimport \"TEMPLATE/app\n",
		"data/notes.txt":   "TEMPLATE/app\n",
		".git/config":      "TEMPLATE/app\n",
		"picture.png":      "\x89PNG\x00TEMPLATE/app",
	}))
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone || !strings.Contains(r.out, "example.com/me/app now") {
		t.Fatalf("got %+v", r)
	}
	want := named(map[string]string{
		"go.mod":           "module example.com/me/app\n\ngo 1.26\n\nrequire example.com/fibercrons/other v1.0.0\n",
		"app/bench/go.mod": "module TARGET/app/bench\n\nrequire example.com/me/app v0.0.0\n\nreplace example.com/me/app => ../..\n",
		".golangci.yml":    "settings:\n  local-prefixes:\n    - example.com/me/app\n",
		"Dockerfile":       "RUN go build -ldflags '-X TARGET/app.version=1' -o /fibercrons ./cmd/server\n",
		"README.md":        "# fibercrons\n\nimport \"TARGET/app/cron\"\n",
		"jobs/a.go":        "package jobs\n\nimport (\n\t_ \"example.com/me/app\"\n\t_ \"TARGET/app/cron\"\n\t_ \"TARGET/internal/mine\"\n\t_ \"fibercronsx/app\"\n)\n\nconst s = \"TARGET/app and fibercrons and /data/TEMPLATE/app\"\n",
		"data/notes.txt":   "TEMPLATE/app\n",
		".git/config":      "TEMPLATE/app\n",
		"picture.png":      "\x89PNG\x00TEMPLATE/app",
	})
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(f.dir, name)); err != nil || string(got) != text {
			t.Errorf("%s is now\n%s(%v), want\n%s", name, got, err, text)
		}
	}
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone || !strings.Contains(r.out, "already") {
		t.Errorf("a second time: %+v", r)
	}
	// A later merge brings in a file of the template's.
	f.module(named(map[string]string{"app/new.go": "package app\n\nimport _ \"TEMPLATE/app/cron\"\n"}))
	f.run("rename", "example.com/me/app")
	if got, _ := os.ReadFile(filepath.Join(f.dir, "app", "new.go")); string(got) != "package app\n\nimport _ \"example.com/me/app"+"/app/cron\"\n" {
		t.Errorf("after a merge: %s", got)
	}
	if r := f.run("rename", "corp/tools"); r.status != exitDone {
		t.Errorf("once more: %+v", r)
	}
	if got, _ := os.ReadFile(filepath.Join(f.dir, "app", "bench", "go.mod")); !strings.HasPrefix(string(got), "module corp/tools/app/bench\n\nrequire corp/tools v0.0.0\n") {
		t.Errorf("after another name: %s", got)
	}
}

func TestRenameRefuses(t *testing.T) {
	for path, want := range map[string]string{
		"":                    "is not a module path",
		"/a":                  "is not a module path",
		"a//b":                "is not a module path",
		"a/../b":              "is not a module path",
		"example.com/me app":  "is not a module path",
		"example.com/me/app/": "is not a module path",
		"https://example.com": "is not a module path",
		"net/crons":           "standard library",
	} {
		f := newFixture(t)
		f.module(map[string]string{"go.mod": "module fibercrons\n"})
		if r := f.run("rename", path); r.status != exitUsage || !strings.Contains(r.err, want) {
			t.Errorf("rename %q: %+v", path, r)
		}
		if got, _ := os.ReadFile(filepath.Join(f.dir, "go.mod")); string(got) != "module fibercrons\n" {
			t.Errorf("rename %q has written %q", path, got)
		}
	}
}

// The words around package template's work: what init and update say, and how they end.
func TestInitAndUpdate(t *testing.T) {
	f := newFixture(t)
	template := map[string]string{
		"go.mod": "module fibercrons\n\ngo 1.26\n", "README.md": "# fibercrons\n", ".ci/run": "x\n",
		"app/app.go": "package app\n", "cmd/cli/main.go": "package main\n\nfunc main() {}\n", "cmd/server/main.go": "package main\n\nfunc main() {}\n",
		".github/CHANGELOG.md": "# Changelog\n\n## v1.0.0\n\n- Old.\n",
	}
	f.module(template)
	f.say("init", "example.com")
	f.say("init", "net/app")
	f.say("init", "example.com/me/app")
	f.say("init", "example.com/me/app")
	f.say("update")
	next := newFixture(t)
	template["app/app.go"] = "package app\n\n// New is new.\nconst New = 1\n"
	template[".github/CHANGELOG.md"] = "# Changelog\n\n## v1.1.0\n\n- New.\n\n## v1.0.0\n\n- Old.\n"
	next.module(template)
	f.say("update", "--from", filepath.Join(next.dir, "nowhere.zip"))
	f.say("update", "--from", next.dir, "--keep", "README.md")
	f.say("update", "--from", next.dir, "--dry-run")
	f.say("update", "--from", next.dir)
	f.say("update", "--from", next.dir)
	f.module(map[string]string{"app/app.go": "package app\n\n// New is new.\nconst New = 2\n"})
	f.say("update", "--from", next.dir)
	f.transcript = *bytes.NewBuffer(bytes.ReplaceAll(f.transcript.Bytes(), []byte(next.dir), []byte("NEXT")))
	f.golden("update")
	// From the newer copy, into a program.
	if r := next.run("update", "--into", f.dir); r.status != exitRefused || !strings.Contains(r.err, "const New = 2") {
		t.Errorf("--into: %+v", r)
	}
}

var buildAll = flag.Bool("build", false, "build the renamed template, all of which has to be compiled anew")

// Under another path every import of the whole template is found, and none is of the old one. With -build it also
// builds, and its own words for things still agree.
func TestRenamedTemplateBuilds(t *testing.T) {
	f := newFixture(t)
	copyModule(t, "../..", f.dir)
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone {
		t.Fatalf("got %+v", r)
	}
	if r := f.run("new", "my.job", "@daily"); r.status != exitDone {
		t.Fatalf("got %+v", r)
	}
	for path := range strings.Lines(goTool(t, f.dir, "list", "-deps", "-test", "./...")) {
		if strings.HasPrefix(path, "fibercrons") {
			t.Errorf("the renamed template imports %s", path)
		}
	}
	if !*buildAll {
		return
	}
	goTool(t, f.dir, "vet", "./...")
	if out := goTool(t, f.dir, "run", "./cmd/cli", "list", "-o", "csv"); !strings.Contains(out, "\nhello,") || !strings.Contains(out, "\nmy.job,") {
		t.Errorf("the renamed program lists\n%s", out)
	}
	goTool(t, f.dir, "test", "./app")
}

// The whole template: begun, with files of the user's own, green, and brought to a newer version.
func TestBegunTemplateIsGreenAndUpdates(t *testing.T) {
	if !*buildAll {
		t.Skip("-build is not given: all of the template is compiled twice")
	}
	f, next := newFixture(t), newFixture(t)
	copyModule(t, "../..", f.dir)
	copyModule(t, "../..", next.dir)
	if r := f.run("init", "example.com/a/b/cmd/app"); r.status != exitDone {
		t.Fatalf("got %+v", r)
	}
	f.module(map[string]string{
		"jobs/mine.go":    "package jobs\n\nimport (\n\t\"context\"\n\n\t\"example.com/a/b/cmd/app" + "/app/cron\"\n\t\"example.com/a/b/cmd/app" + "/config\"\n)\n\nfunc init() {\n\tcron.Register(\"mine\", \"@daily\", func(ctx context.Context) error {\n\t\t_ = config.From(ctx).ReportSize\n\t\treturn nil\n\t})\n}\n",
		"config/local.go": "package config\n\n// Local is mine.\ntype Local struct {\n\tReportSize int `env:\"REPORT_SIZE\" envDefault:\"100\" want:\"a whole number\" about:\"Lines.\"`\n}\n",
		"routes/mine.go":  "package routes\n",
		"models/mine.go":  "package models\n\n// Mine is mine.\ntype Mine struct{ ID string }\n",
	})
	goTool(t, f.dir, "test", "./config", "-update")
	goTool(t, f.dir, "vet", "./...")
	goTool(t, f.dir, "test", "./app", "./app/cli/...", "./app/env", "./config", "./jobs", "./routes", "./models")
	next.module(map[string]string{
		"app/fresh/fresh.go":   "// Package fresh is new.\npackage fresh\n",
		"Dockerfile":           strings.Replace(next.read("Dockerfile"), "FROM golang:", "FROM --platform=$BUILDPLATFORM golang:", 1),
		".github/CHANGELOG.md": "# Changelog\n\n## v9.0.0\n\n- News.\n\n" + next.read(".github/CHANGELOG.md"),
	})
	if err := os.Remove(filepath.Join(next.dir, "app", "exported_test.go")); err != nil {
		t.Fatal(err)
	}
	r := f.run("update", "--from", next.dir)
	if r.status != exitDone || !strings.Contains(r.out, "- News.") || !strings.Contains(r.out, "1 file removed") {
		t.Fatalf("got %+v", r)
	}
	if text := f.read("Dockerfile"); !strings.Contains(text, "BUILDPLATFORM") || !strings.Contains(text, "example.com/a/b/cmd/app"+"/app/") {
		t.Errorf("Dockerfile is\n%s", text)
	}
	if text := f.read(".env.example"); !strings.Contains(text, "REPORT_SIZE=100") {
		t.Errorf(".env.example is\n%s", text)
	}
	if out := goTool(t, f.dir, "run", "./cmd/cli", "list", "-o", "csv"); !strings.Contains(out, "\nmine,") {
		t.Errorf("the updated program lists\n%s", out)
	}
}

func (f *fixture) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func copyModule(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		copied := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == "data" {
				return fs.SkipDir
			}
			if d.Name() == "vendor" { // hundreds of megabytes that nobody changes
				whole, err := filepath.Abs(path)
				if err == nil {
					err = os.Symlink(whole, copied)
				}
				return cmp.Or(err, fs.SkipDir)
			}
			return os.MkdirAll(copied, 0o755)
		}
		if d.Name() == ".env" || !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(copied, text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}
