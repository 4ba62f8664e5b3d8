package source_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
)

// named puts the template's path in for TEMPLATE, where a rename of this file would not leave it alone.
func named(text string) string { return strings.ReplaceAll(text, "TEMPLATE", source.Template) }

// Paths that begin alike are told apart as the go tool does: the longest module that fits decides.
func TestPaths(t *testing.T) {
	const mod = "module example.com/corp\n\ngo 1.26\n\nrequire (\n\texample.com/corp/lib v1.0.0 // example.com/corp stays a word\n\texample.com/corporate v1.0.0\n)\n"
	for _, c := range []struct{ from, to, name, text, want string }{
		// A path becomes part of the new one.
		{"fibercrons", "TEMPLATE/x", "a.go", "no Go: TEMPLATE/app\n", "no Go: TEMPLATE/x/app\n"},
		{"fibercrons", "TEMPLATE/x", "a.go", "package a\n\nimport \"TEMPLATE/app\"\n\nconst s = \"TEMPLATE/app/cron\"\n", "package a\n\nimport \"TEMPLATE/x/app\"\n\nconst s = \"TEMPLATE/x/app/cron\"\n"},
		{"fibercrons", "TEMPLATE/app", "a.go", "package a\n\nimport _ \"TEMPLATE/app\" // TEMPLATE/app/cron\n", "package a\n\nimport _ \"TEMPLATE/app/app\" // TEMPLATE/app/app/cron\n"},
		{"TEMPLATE/app", "TEMPLATE/app", "a.go", "package a\n\nimport _ \"TEMPLATE/app/app\"\n", "package a\n\nimport _ \"TEMPLATE/app/app\"\n"},
		{"TEMPLATE/app", "TEMPLATE/app", "a.go", "package a\n\nimport _ \"TEMPLATE/jobs\"\n", "package a\n\nimport _ \"TEMPLATE/app/jobs\"\n"}, // from a merge
		{"TEMPLATE/app", "example.com/b", "a.go", "package a\n\nimport _ \"TEMPLATE/app/app\"\n", "package a\n\nimport _ \"example.com/b/app\"\n"},
		{"example.com/a/b/cmd/app", "example.com/a", "Dockerfile", "-X example.com/a/b/cmd/app/app.version=1", "-X example.com/a/app.version=1"},
		{"example.com/a", "example.com/a/b/cmd/app", "Dockerfile", "-X=example.com/a/app.version=1 ./example.com/a/app", "-X=example.com/a/b/cmd/app/app.version=1 ./example.com/a/app"},
		// Modules of others keep their paths.
		{"example.com/corp", "example.com/me", "a.go", "package a\n\nimport (\n\t_ \"example.com/corp/app\"\n\t_ \"example.com/corp/lib/app\"\n\t_ \"example.com/corporate/app\"\n)\n", "package a\n\nimport (\n\t_ \"example.com/corp/lib/app\"\n\t_ \"example.com/corporate/app\"\n\t_ \"example.com/me/app\"\n)\n"},
		{"example.com/corp", "example.com/me", "go.mod", mod, "module example.com/me\n\ngo 1.26\n\nrequire (\n\texample.com/corp/lib v1.0.0 // example.com/corp stays a word\n\texample.com/corporate v1.0.0\n)\n"},
		{"example.com/corp", "example.com/me", "go.work", "go 1.26\n\nuse .\n\nreplace example.com/corp/sub => ./sub\n", "go 1.26\n\nuse .\n\nreplace example.com/me/sub => ./sub\n"},
		// Words stay.
		{"fibercrons", "example.com/me", "README.md", "fibercrons at TEMPLATE/app, not /x/TEMPLATE/app", "fibercrons at example.com/me/app, not /x/TEMPLATE/app"},
	} {
		for _, text := range []*string{&c.from, &c.to, &c.text, &c.want} {
			*text = named(*text)
		}
		p := source.NewPaths([]string{c.from, source.Template}, c.to, []byte(mod))
		if got, err := p.Rewrite(c.name, []byte(c.text)); err != nil || string(got) != c.want {
			t.Errorf("%s to %s in %s:\n%s(%v), want\n%s", c.from, c.to, c.name, got, err, c.want)
		}
	}
}

// To another path and back is where it began, also when one path is part of the other.
func TestRenameAndBack(t *testing.T) {
	files := map[string]string{
		"go.mod":           "module fibercrons\n\ngo 1.26\n",
		"app/bench/go.mod": "module TEMPLATE/app/bench\n\nrequire fibercrons v0.0.0\n\nreplace fibercrons => ../..\n",
		"app/a.go":         "// Package app is TEMPLATE/app.\npackage app\n\nimport (\n\t_ \"TEMPLATE/app/cron\"\n\t_ \"TEMPLATE/jobs\"\n)\n",
		"Dockerfile":       "RUN go build -ldflags='-X TEMPLATE/app/assembly.version=1'\n",
	}
	for _, to := range []string{"example.com/me/app", "example.com/a/b/cmd/app", "TEMPLATE/app", "TEMPLATE/fibercrons", "app", "jobs/app/v2"} {
		dir, to := t.TempDir(), named(to)
		for name, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(named(text)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, way := range [][2]string{{"fibercrons", to}, {to, to}, {to, "fibercrons"}} {
			edits, err := source.Rename(dir, way[0], way[1])
			if err == nil {
				err = source.Apply(edits)
			}
			if err != nil {
				t.Fatal(err)
			}
			if now, err := source.Module(dir); err != nil || now != way[1] {
				t.Errorf("the module is %s (%v), want %s", now, err, way[1])
			}
			if way[0] == way[1] && len(edits) > 0 {
				t.Errorf("to %s once more: %d edits", to, len(edits))
			}
		}
		for name, want := range files {
			if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != named(want) {
				t.Errorf("after %s %s is\n%s", to, name, got)
			}
		}
	}
}
