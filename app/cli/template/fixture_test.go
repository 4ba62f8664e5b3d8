package template_test

import (
	"archive/zip"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
	"fibercrons/app/cli/template"
)

type files map[string]string

// with returns the files with others; an empty text removes one.
func (f files) with(more files) files {
	all := maps.Clone(f)
	for name, text := range more {
		if all[name] = text; text == "" {
			delete(all, name)
		}
	}
	return all
}

// named puts the template's path in for TEMPLATE, where a rename would not leave it alone.
func named(f files) files {
	for name, text := range f {
		f[name] = strings.ReplaceAll(text, "TEMPLATE", source.Template)
	}
	return f
}

// first is a template in small.
var first = named(files{
	"go.mod":                     "module fibercrons\n\ngo 1.26\n",
	"LICENSE":                    "MIT\n",
	"README.md":                  "# fibercrons\n\nA template.\n",
	".ci/run":                    "go test ./...\n",
	".dockerignore":              ".git\n",
	".gitignore":                 "/data/\n.env\n",
	".golangci.yml":              "local-prefixes:\n  - fibercrons\n",
	".env.example":               "PORT=3000\n",
	".github/CHANGELOG.md":       "# Changelog\n\n## v1.0.0\n\n### Added\n\n- The first entry.\n",
	".github/workflows/ci.yml":   "on: push\n",
	"Dockerfile":                 "FROM golang\nWORKDIR /src\nCOPY . .\nRUN go build -ldflags '-X TEMPLATE/app.version=1' ./cmd/server\nUSER 1\nEXPOSE 3000\nENTRYPOINT [\"/server\"]\n",
	"docker-compose.yml":         "services:\n  server:\n    build: .\n    init: true\n    read_only: true\n    restart: always\n    ports: []\n",
	"app/app.go":                 "// Package app is the example example.com/me/app/app of a template.\npackage app\n\nimport _ \"TEMPLATE/app/old\"\n\n// Hello says so.\nfunc Hello() string { return \"first\" }\n",
	"app/old/old.go":             "package old\n",
	"app/store/db/sqlite_sql.go": "package db\n\ntype migration struct {\n\tname string\n\tsql  []string\n}\n\nvar _ = []migration{\n\t{\"the first tables\", nil},\n}\n",
	"app/web/page.html":          "<p>first</p>\r\n",
	"cmd/cli/main.go":            "package main\n\nimport (\n\t\"TEMPLATE/app\"\n\t_ \"TEMPLATE/jobs\"\n)\n\nfunc main() { println(app.Hello()) }\n",
	"cmd/server/main.go":         "package main\n\nimport (\n\t\"TEMPLATE/app\"\n\t_ \"TEMPLATE/jobs\"\n)\n\nfunc main() { println(app.Hello()) }\n",
	"config/config.go":           "package config\n\n// Config is all.\ntype Config struct{ Local }\n",
	"config/local.go":            "package config\n\n// Local is yours.\ntype Local struct{}\n",
	"config/example_file_test.go": `package config

import (
	"flag"
	"os"
	"reflect"
	"testing"
)

var update = flag.Bool("update", false, "write")

func TestExampleFile(t *testing.T) {
	text := "PORT=3000\n"
	for f := range reflect.TypeFor[Local]().Fields() {
		text += f.Name + "=\n"
	}
	if *update {
		if err := os.WriteFile("../.env.example", []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
`,
	"jobs/hello.go":        "package jobs\n",
	"models/doc.go":        "package models\n",
	"models/job_state.go":  "package models\n",
	"models/ours.go":       "package models\n",
	"models/migrations.go": "package models\n",
	"routes/routes.go":     "package routes\n",
})

// second is its next version: changed files, a new package, a removed one, a requirement, a step of the schema, a file
// of the program's that has begun to be.
var second = first.with(named(files{
	"go.mod":                      "module fibercrons\n\ngo 1.26\n\nrequire github.com/google/uuid v1.6.0\n",
	"go.sum":                      "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\ngithub.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n",
	"README.md":                   "# fibercrons\n\nA better template.\n",
	".ci/run":                     "go test -race ./...\n",
	".env.example":                "PORT=3000\nHOST=\n",
	".github/CHANGELOG.md":        "# Changelog\n\n## Unreleased\n\n### Changed\n\n- A thing is\n  different.\n\n## v1.0.0\n\n### Added\n\n- The first entry.\n",
	"Dockerfile":                  strings.Replace(first["Dockerfile"], "USER 1\n", "USER 65532\n", 1),
	"docker-compose.yml":          strings.Replace(first["docker-compose.yml"], "restart: always", "restart: unless-stopped", 1),
	"app/app.go":                  "// Package app is the example example.com/me/app/app of a template.\npackage app\n\nimport (\n\t\"github.com/google/uuid\"\n\n\t\"TEMPLATE/app/fresh\"\n\t\"TEMPLATE/models\"\n)\n\n// Hello says so.\nfunc Hello() string { return \"second\" + fresh.Name + models.Extra + uuid.NewString() }\n",
	"app/old/old.go":              "",
	"app/fresh/fresh.go":          "package fresh\n\n// Name is new.\nconst Name = \"fresh\"\n",
	"models/extra.go":             "package models\n\n// Extra is yours.\nconst Extra = \"\"\n",
	"models/job_state.go":         "package models\n\n// JobState is a row.\ntype JobState struct{}\n",
	"app/store/db/sqlite_sql.go":  strings.Replace(first["app/store/db/sqlite_sql.go"], "\", nil},\n", "\", nil},\n\t{\"a column more\", nil},\n", 1),
	"config/example_file_test.go": strings.Replace(first["config/example_file_test.go"], `"PORT=3000\n"`, `"PORT=3000\nHOST=\n"`, 1),
}))

// own is what a user has made of the first version.
func own(module string) files {
	return files{
		"jobs/hello.go":      "", // removed
		"jobs/mine.go":       "package jobs\n\nimport (\n\t\"" + module + "/app\"\n\t\"" + module + "/config\"\n)\n\nvar _, _ = app.Hello, config.Config{}.Size\n",
		"routes/mine.go":     "package routes\n",
		"models/invoice.go":  "package models\n\n// Invoice is mine.\ntype Invoice struct{}\n",
		"config/local.go":    "package config\n\n// Local is yours.\ntype Local struct{ Size int }\n",
		".env.example":       "PORT=3000\nSize=\n",
		".env":               "SECRET=1\n",
		"README.md":          "# mine\n",
		"docker-compose.yml": strings.Replace(first["docker-compose.yml"], "init: true\n", "init: true\n    cpus: 2\n", 1),
	}
}

func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name, text := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read returns all files in dir, but for git's.
func read(t *testing.T, dir string) files {
	t.Helper()
	all := files{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// same fails the test when the two trees differ.
func same(t *testing.T, got, want files) {
	t.Helper()
	for name := range maps.Keys(got.with(want)) {
		if g, w := got[name], want[name]; g != w {
			t.Errorf("%s is\n%s\nwant\n%s", name, g, w)
		}
	}
}

// folder writes files to a folder of their own.
func folder(t *testing.T, f files) string {
	dir := t.TempDir()
	f.write(t, dir)
	return dir
}

// program is a copy of the first version with another module path. A recorded one knows its version.
func program(t *testing.T, module string, recorded bool) string {
	t.Helper()
	dir := folder(t, first)
	edits, err := source.Rename(dir, source.Template, module)
	if err == nil {
		err = source.Apply(edits)
	}
	if err == nil && recorded {
		err = template.Record(dir)
	}
	if err != nil {
		t.Fatal(err)
	}
	own(module).write(t, dir)
	return dir
}

func git(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("there is no git")
	}
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false", "-C", dir}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// history is a repository with the first version, tagged v1.0.0, and the second.
func history(t *testing.T) string {
	t.Helper()
	dir := folder(t, first.with(files{"app/app.go": "package app\n"}))
	git(t, dir, "init", "-q")
	commit := func(message string) {
		git(t, dir, "add", "-A")
		git(t, dir, "commit", "-q", "-m", message)
	}
	commit("before")
	files{"app/app.go": first["app/app.go"]}.write(t, dir)
	commit("first")
	git(t, dir, "tag", "v1.0.0")
	files{"Dockerfile": "FROM scratch\n"}.write(t, dir)
	commit("between: not what the program has")
	next := second.with(nil)
	for name := range first {
		if _, ok := second[name]; !ok {
			next[name] = ""
		}
	}
	next.write(t, dir)
	commit("second")
	return dir
}

// zipped writes the files as GitHub does: in one folder.
func zipped(t *testing.T, f files) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for name, text := range f {
		w, err := z.Create("template-main/" + name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
