package source_test

import (
	"os"
	"path/filepath"
	"testing"

	"fibercrons/app/cli/source"
)

// Paths that begin alike are told apart as the go tool does: the longest module that fits decides.
func TestPaths(t *testing.T) {
	const mod = "module example.com/corp\n\ngo 1.26\n\nrequire (\n\texample.com/corp/lib v1.0.0 // example.com/corp stays a word\n\texample.com/corporate v1.0.0\n)\n"
	for _, c := range []struct{ from, to, name, text, want string }{
		// A path becomes part of the new one.
		{"fibercrons", "fibercrons/x", "a.go", "no Go: fibercrons/app\n", "no Go: fibercrons/x/app\n"},
		{"fibercrons", "fibercrons/x", "a.go", "package a\n\nimport \"fibercrons/app\"\n\nconst s = \"fibercrons/app/cron\"\n", "package a\n\nimport \"fibercrons/x/app\"\n\nconst s = \"fibercrons/x/app/cron\"\n"},
		{"fibercrons", "fibercrons/app", "a.go", "package a\n\nimport _ \"fibercrons/app\" // fibercrons/app/cron\n", "package a\n\nimport _ \"fibercrons/app/app\" // fibercrons/app/app/cron\n"},
		{"fibercrons/app", "fibercrons/app", "a.go", "package a\n\nimport _ \"fibercrons/app/app\"\n", "package a\n\nimport _ \"fibercrons/app/app\"\n"},
		{"fibercrons/app", "fibercrons/app", "a.go", "package a\n\nimport _ \"fibercrons/jobs\"\n", "package a\n\nimport _ \"fibercrons/app/jobs\"\n"}, // from a merge
		{"fibercrons/app", "example.com/b", "a.go", "package a\n\nimport _ \"fibercrons/app/app\"\n", "package a\n\nimport _ \"example.com/b/app\"\n"},
		{"example.com/a/b/cmd/app", "example.com/a", "Dockerfile", "-X example.com/a/b/cmd/app/app.version=1", "-X example.com/a/app.version=1"},
		{"example.com/a", "example.com/a/b/cmd/app", "Dockerfile", "-X=example.com/a/app.version=1 ./example.com/a/app", "-X=example.com/a/b/cmd/app/app.version=1 ./example.com/a/app"},
		// Modules of others keep their paths.
		{"example.com/corp", "example.com/me", "a.go", "package a\n\nimport (\n\t_ \"example.com/corp/app\"\n\t_ \"example.com/corp/lib/app\"\n\t_ \"example.com/corporate/app\"\n)\n", "package a\n\nimport (\n\t_ \"example.com/corp/lib/app\"\n\t_ \"example.com/corporate/app\"\n\t_ \"example.com/me/app\"\n)\n"},
		{"example.com/corp", "example.com/me", "go.mod", mod, "module example.com/me\n\ngo 1.26\n\nrequire (\n\texample.com/corp/lib v1.0.0 // example.com/corp stays a word\n\texample.com/corporate v1.0.0\n)\n"},
		{"example.com/corp", "example.com/me", "go.work", "go 1.26\n\nuse .\n\nreplace example.com/corp/sub => ./sub\n", "go 1.26\n\nuse .\n\nreplace example.com/me/sub => ./sub\n"},
		// Words stay.
		{"fibercrons", "example.com/me", "README.md", "fibercrons at fibercrons/app, not /x/fibercrons/app", "fibercrons at example.com/me/app, not /x/fibercrons/app"},
	} {
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
		"app/bench/go.mod": "module fibercrons/app/bench\n\nrequire fibercrons v0.0.0\n\nreplace fibercrons => ../..\n",
		"app/a.go":         "// Package app is fibercrons/app.\npackage app\n\nimport (\n\t_ \"fibercrons/app/cron\"\n\t_ \"fibercrons/jobs\"\n)\n",
		"Dockerfile":       "RUN go build -ldflags='-X fibercrons/app/assembly.version=1'\n",
	}
	for _, to := range []string{"example.com/me/app", "example.com/a/b/cmd/app", "fibercrons/app", "fibercrons/fibercrons", "app", "jobs/app/v2"} {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
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
			if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
				t.Errorf("after %s %s is\n%s", to, name, got)
			}
		}
	}
}
