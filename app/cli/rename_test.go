package cli

import (
	"cmp"
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRename(t *testing.T) {
	f := newFixture(t)
	f.module(map[string]string{
		"go.mod":           "module fibercrons\n\ngo 1.26\n\nrequire example.com/fibercrons/other v1.0.0\n",
		"app/bench/go.mod": "module fibercrons/app/bench\n\nrequire fibercrons v0.0.0\n\nreplace fibercrons => ../..\n",
		".golangci.yml":    "settings:\n  local-prefixes:\n    - fibercrons\n",
		"Dockerfile":       "RUN go build -ldflags '-X fibercrons/app.version=1' -o /fibercrons ./cmd/server\n",
		"README.md":        "# fibercrons\n\nimport \"fibercrons/app/cron\"\n",
		"jobs/a.go":        "package jobs\n\nimport (\n\t_ \"fibercrons\"\n\t_ \"fibercrons/app/cron\"\n\t_ \"fibercrons/internal/mine\"\n\t_ \"fibercronsx/app\"\n)\n\nconst s = \"fibercrons/app and fibercrons and /data/fibercrons/app\"\n",
		"jobs/broken.go":   "package jobs\n\nimport \"fibercrons/app\n",
		"data/notes.txt":   "fibercrons/app\n",
		".git/config":      "fibercrons/app\n",
		"picture.png":      "\x89PNG\x00fibercrons/app",
	})
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone || !strings.Contains(r.out, "example.com/me/app now") {
		t.Fatalf("got %+v", r)
	}
	want := map[string]string{
		"go.mod":           "module example.com/me/app\n\ngo 1.26\n\nrequire example.com/fibercrons/other v1.0.0\n",
		"app/bench/go.mod": "module example.com/me/app/app/bench\n\nrequire example.com/me/app v0.0.0\n\nreplace example.com/me/app => ../..\n",
		".golangci.yml":    "settings:\n  local-prefixes:\n    - example.com/me/app\n",
		"Dockerfile":       "RUN go build -ldflags '-X example.com/me/app/app.version=1' -o /fibercrons ./cmd/server\n",
		"README.md":        "# fibercrons\n\nimport \"example.com/me/app/app/cron\"\n",
		"jobs/a.go":        "package jobs\n\nimport (\n\t_ \"example.com/me/app\"\n\t_ \"example.com/me/app/app/cron\"\n\t_ \"example.com/me/app/internal/mine\"\n\t_ \"fibercronsx/app\"\n)\n\nconst s = \"example.com/me/app/app and fibercrons and /data/fibercrons/app\"\n",
		"data/notes.txt":   "fibercrons/app\n",
		".git/config":      "fibercrons/app\n",
		"picture.png":      "\x89PNG\x00fibercrons/app",
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(f.dir, name)); err != nil || string(got) != text {
			t.Errorf("%s is now\n%s(%v), want\n%s", name, got, err, text)
		}
	}
	if r := f.run("rename", "example.com/me/app"); r.status != exitDone || !strings.Contains(r.out, "already") {
		t.Errorf("a second time: %+v", r)
	}
	// A later merge brings in a file of the template's.
	f.module(map[string]string{"app/new.go": "package app\n\nimport _ \"fibercrons/app/cron\"\n"})
	f.run("rename", "example.com/me/app")
	if got, _ := os.ReadFile(filepath.Join(f.dir, "app", "new.go")); string(got) != "package app\n\nimport _ \"example.com/me/app/app/cron\"\n" {
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
