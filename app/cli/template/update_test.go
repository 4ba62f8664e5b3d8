package template_test

import (
	"archive/zip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
	"fibercrons/app/cli/template"
)

func update(t *testing.T, o template.Options) (template.Report, error) {
	t.Helper()
	t.Setenv("GOFLAGS", "")
	t.Setenv("GOPROXY", "off") // what it needs is in the cache: updates work offline
	t.Setenv("GONOSUMDB", "*")
	return template.Update(t.Context(), o)
}

// An update from every kind of source, into every kind of program, ends in the same tree.
func TestUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		module   string
		recorded bool
		git      bool // the program is a repository
		from, to func(*testing.T) string
	}{
		"a folder, a recorded program":              {module: "example.com/me/app", recorded: true, from: func(t *testing.T) string { return folder(t, second) }},
		"a zip, a recorded program":                 {module: "example.com/a/b/cmd/app", recorded: true, git: true, from: func(t *testing.T) string { return zipped(t, second) }},
		"a repository's folder, an older program":   {module: "example.com/me/app", git: true, from: history},
		"a repository's URL, an older program":      {module: source.Template + "/app", from: func(t *testing.T) string { return "file://" + history(t) }},
		"a bare repository, a program of that name": {module: "fibercrons", from: bare},
	} {
		t.Run(name, func(t *testing.T) {
			from := c.from(t)
			dir := program(t, c.module, c.recorded)
			if c.git {
				git(t, dir, "init", "-q")
				git(t, dir, "add", "-A")
				git(t, dir, "commit", "-q", "-m", "mine")
			}
			before := read(t, dir)
			o := template.Options{Dir: dir, From: from, DryRun: true}
			if _, err := update(t, o); err != nil {
				t.Fatal(err)
			}
			same(t, read(t, dir), before)
			o.DryRun = false
			r, err := update(t, o)
			if err != nil {
				t.Fatal(err)
			}
			got := read(t, dir)
			record := got[template.RecordFile]
			delete(got, template.RecordFile)
			same(t, got, wanted(c.module))
			if !strings.Contains(record, `"app/fresh/fresh.go"`) || strings.Contains(record, "file://") != strings.HasPrefix(from, "file://") {
				t.Errorf("the record is\n%s", record)
			}
			if r.News != "## Unreleased\n### Changed\n- A thing is\n  different." {
				t.Errorf("news: %q", r.News)
			}
			if !slices.Equal(r.Steps, []string{"a column more"}) || !slices.Equal(r.Merged, []string{"docker-compose.yml"}) || !slices.Equal(r.Removed, []string{"app/old/old.go"}) {
				t.Errorf("the report is %+v", r)
			}
			if !c.recorded && r.Was != "v1.0.0" {
				t.Errorf("the program had version %s", r.Was)
			}
			if r, err = update(t, o); err != nil || len(r.Written)+len(r.Removed) > 0 {
				t.Errorf("once more: %+v, %v", r, err)
			}
			same(t, read(t, dir), got.with(files{template.RecordFile: record}))
		})
	}
}

func bare(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), "template.git")
	git(t, ".", "clone", "-q", "--bare", history(t), dir)
	return dir
}

// wanted is what an update makes of the program.
func wanted(module string) files {
	f := second.with(own(module)).with(files{
		"README.md":          "# mine\n",
		".env.example":       "PORT=3000\nHOST=\nSize=\n",
		"docker-compose.yml": strings.NewReplacer("init: true\n", "init: true\n    cpus: 2\n", "restart: always", "restart: unless-stopped").Replace(first["docker-compose.yml"]),
	})
	for name, text := range f {
		text = strings.ReplaceAll(text, "\""+source.Template+"/", "\""+module+"/")
		if name == "Dockerfile" {
			text = strings.ReplaceAll(text, source.Template+"/app", module+"/app")
		}
		if name == ".golangci.yml" || name == "go.mod" {
			text = strings.ReplaceAll(text, "fibercrons", module)
		}
		f[name] = text
	}
	if module == source.Template+"/app" { // its own files were written with the path already
		f["jobs/mine.go"] = own(module)["jobs/mine.go"]
	}
	if strings.HasPrefix(module, "example.com") || module == source.Template+"/app" { // sorted anew
		app := f["app/app.go"]
		head, rest, _ := strings.Cut(app, "\n\n\t\""+module+"/app/fresh\"")
		f["app/app.go"] = head + "\n\n\t\"" + module + "/app/fresh\"" + rest
	}
	f["app/web/page.html"] = "<p>first</p>\r\n"
	return f
}

// What is refused changes nothing, and says what to do.
func TestUpdateRefuses(t *testing.T) {
	const module = "example.com/me/app"
	for name, c := range map[string]struct {
		edits files
		next  files
		says  []string
	}{
		"an edited file": {
			edits: files{"app/app.go": "// Package app is the example example.com/me/app/app of a template.\npackage app\n\n// Hello is edited.\nfunc Hello() string { return \"mine\" }\n"},
			says:  []string{"app/app.go", "+func Hello() string { return \"mine\" }", "jobs/", "nothing was changed"},
		},
		"an added file":  {edits: files{"app/mine/mine.go": "package mine\n"}, says: []string{"app/mine/mine.go"}},
		"an edited main": {edits: files{"cmd/server/main.go": "package main\n\nfunc main() {}\n"}, says: []string{"cmd/server/main.go", "-func main() { println"}},
		"a clash": {
			edits: files{"Dockerfile": strings.NewReplacer("fibercrons", module, "USER 1\n", "USER 7\n").Replace(first["Dockerfile"])},
			says:  []string{"Dockerfile", "  | USER 1", "  + USER 7", "  + USER 65532", "--keep"},
		},
		"a job that does not build": {
			next:  files{"app/app.go": "package app\n\n// Hello has another result.\nfunc Hello() int { return 1 }\n"},
			edits: files{"jobs/mine.go": "package jobs\n\nimport \"" + module + "/app\"\n\nvar _ string = app.Hello()\n"},
			says:  []string{"does not build", "jobs/mine.go:5", "A thing is", "--unverified"},
		},
		"a test that does not build": {
			edits: files{"jobs/mine_test.go": "package jobs\n\nvar _ int = \"\"\n"},
			says:  []string{"does not build", "jobs/mine_test.go:3"},
		},
		"broken go.mod": {edits: files{"go.mod": "module " + module + "\n\nbroken\n"}, says: []string{"go.mod:3"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := program(t, module, true)
			c.edits.write(t, dir)
			before := read(t, dir)
			_, err := update(t, template.Options{Dir: dir, From: history2(t, c.next)})
			if err == nil {
				t.Fatal("it was not refused")
			}
			for _, want := range c.says {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in\n%v", want, err)
				}
			}
			same(t, read(t, dir), before)
		})
	}
}

// history2 is history with something else in its second version.
func history2(t *testing.T, next files) string {
	dir := history(t)
	next.write(t, dir)
	return dir
}

func TestKeepAndUnverified(t *testing.T) {
	const module = "example.com/me/app"
	dir := program(t, module, true)
	mine := strings.NewReplacer("fibercrons", module, "USER 1\n", "USER 7\n").Replace(first["Dockerfile"])
	files{"Dockerfile": mine, "jobs/mine.go": "package jobs\n\nvar _ int = \"\"\n"}.write(t, dir)
	if _, err := update(t, template.Options{Dir: dir, From: folder(t, second), Keep: []string{"README.md"}}); err == nil || !strings.Contains(err.Error(), "--keep README.md") {
		t.Errorf("got %v", err)
	}
	r, err := update(t, template.Options{Dir: dir, From: folder(t, second), Keep: []string{"Dockerfile"}, Unverified: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir); got["Dockerfile"] != mine || !strings.Contains(got["app/app.go"], "second") {
		t.Errorf("Dockerfile is\n%s", got["Dockerfile"])
	}
	if len(r.Notes) == 0 || !strings.Contains(strings.Join(r.Notes, "\n"), "does not build yet") {
		t.Errorf("notes: %q", r.Notes)
	}
}

// What the program has removed stays away, but for files in app/.
func TestUpdateOfWhatIsMissing(t *testing.T) {
	dir := program(t, "example.com/me/app", true)
	files{".ci/run": "", "Dockerfile": "", "app/web/page.html": "", ".github/CHANGELOG.md": ""}.write(t, dir)
	r, err := update(t, template.Options{Dir: dir, From: zipped(t, second)})
	if err != nil {
		t.Fatal(err)
	}
	got := read(t, dir)
	if got[".ci/run"]+got["Dockerfile"]+got[".github/CHANGELOG.md"] != "" || got["app/web/page.html"] == "" || !slices.Equal(r.Restored, []string{"app/web/page.html"}) {
		t.Errorf("the report is %+v", r)
	}
	if !strings.Contains(r.News, "A thing is") || strings.Contains(r.News, "first entry") {
		t.Errorf("news: %q", r.News)
	}
}

// A move that fails takes back those before it.
func TestFailedSwapLeavesTheOldTree(t *testing.T) {
	dir := program(t, "example.com/me/app", true)
	before := read(t, dir)
	for _, n := range []int{1, 2, 7, 12} {
		restore := template.FailRename(n, fs.ErrPermission)
		_, err := update(t, template.Options{Dir: dir, From: folder(t, second)})
		restore()
		if !errors.Is(err, fs.ErrPermission) {
			t.Fatalf("move %d: %v", n, err)
		}
		same(t, read(t, dir), before)
	}
}

// Where they cannot be taken back, what was moved away is kept for whoever does it by hand.
func TestFailedSwapThatCannotBeUndone(t *testing.T) {
	dir := program(t, "example.com/me/app", true)
	before := read(t, dir)
	restore := template.FailRenamesFrom(4, fs.ErrPermission)
	_, err := update(t, template.Options{Dir: dir, From: folder(t, second)})
	restore()
	if err == nil || !strings.Contains(err.Error(), "by hand") || strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("got %v", err)
	}
	now, moved := read(t, dir), read(t, filepath.Join(dir, template.StageName, "old"))
	for name, text := range before {
		if now[name] != text && moved[name] != text {
			t.Errorf("%s is gone", name)
		}
	}
}

// An interrupt before the files are moved changes nothing and is told as such; one that comes later finds the update made.
func TestInterruptedUpdate(t *testing.T) {
	dir := program(t, "example.com/me/app", true)
	before, from := read(t, dir), history(t)
	for _, step := range []string{"reading", "building"} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := template.Update(ctx, template.Options{Dir: dir, From: from, Say: func(s string) {
			if strings.HasPrefix(s, step) {
				cancel()
			}
		}})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("while %s: %v", step, err)
		}
		same(t, read(t, dir), before)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer template.OnRename(cancel)()
	if r, err := template.Update(ctx, template.Options{Dir: dir, From: folder(t, second)}); err != nil || len(r.Written) == 0 || ctx.Err() == nil {
		t.Errorf("too late: %+v, %v", r, err)
	}
}

func TestSourcesThatAreNone(t *testing.T) {
	const module = "example.com/me/app"
	bad := func(add func(z *zip.Writer) error) func(*testing.T) string {
		return func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "bad.zip")
			out, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			z := zip.NewWriter(out)
			if err := errors.Join(add(z), z.Close(), out.Close()); err != nil {
				t.Fatal(err)
			}
			return path
		}
	}
	entry := func(name string, mode fs.FileMode) func(z *zip.Writer) error {
		return func(z *zip.Writer) error {
			h := &zip.FileHeader{Name: name}
			h.SetMode(mode)
			w, err := z.CreateHeader(h)
			if err == nil {
				_, err = w.Write([]byte("x"))
			}
			return err
		}
	}
	for says, c := range map[string]struct {
		from func(*testing.T) string
		to   string
	}{
		"leads elsewhere":     {from: bad(entry("../../evil.go", 0o644))},
		"leads elsewhere\x00": {from: bad(entry("a/..\\evil.go", 0o644))},
		"is a link":           {from: bad(entry("app/link", fs.ModeSymlink|0o777))},
		"too large": {from: bad(func(z *zip.Writer) error {
			w, err := z.Create("app/big")
			_, _ = w.Write(make([]byte, 17<<20))
			return err
		})},
		"it has no go.mod":       {from: bad(entry("readme", 0o644))},
		"not a valid zip":        {from: func(t *testing.T) string { return filepath.Join(folder(t, files{"a.zip": "nothing"}), "a.zip") }},
		"no such file":           {from: func(*testing.T) string { return filepath.Join("no", "where") }},
		"made from the template": {from: func(t *testing.T) string { return program(t, "example.com/other", true) }},
		"one version":            {from: func(t *testing.T) string { return zipped(t, second) }, to: "v2"},
		"no version \"v9\"":      {from: history, to: "v9"},
	} {
		dir := program(t, module, true)
		before := read(t, dir)
		_, err := update(t, template.Options{Dir: dir, From: c.from(t), To: c.to})
		if err == nil || !strings.Contains(err.Error(), strings.TrimSuffix(says, "\x00")) {
			t.Errorf("%s: %v", says, err)
		}
		same(t, read(t, dir), before)
	}
}

// An update that was killed leaves its folder. Only one that was putting files in place has left some of the program's in it.
func TestUpdateAfterAKilledOne(t *testing.T) {
	for left, says := range map[string]string{
		"new/app/app.go": "was killed before it changed anything. If none goes on, remove .update",
		"old/jobs":       "move what " + filepath.Join(template.StageName, "old") + " holds back to its place, and remove .update",
	} {
		dir := program(t, "example.com/me/app", true)
		if err := os.MkdirAll(filepath.Join(dir, template.StageName, filepath.FromSlash(left)), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := update(t, template.Options{Dir: dir, From: folder(t, second)}); err == nil || !strings.HasSuffix(err.Error(), says) {
			t.Errorf("with %s left: %v", left, err)
		}
	}
}

// What cannot be removed after the files are in place, such as a read-only folder of the old version, is no failure.
func TestUpdateLeavesWhatItCannotRemove(t *testing.T) {
	dir := program(t, "example.com/me/app", true)
	restore := template.FailRemove(errors.New("permission denied"))
	defer restore()
	r, err := update(t, template.Options{Dir: dir, From: folder(t, second)})
	if err != nil || len(r.Written) == 0 || !slices.ContainsFunc(r.Notes, func(n string) bool {
		return strings.Contains(n, "remove "+template.StageName+" by hand") && strings.Contains(n, "permission denied")
	}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// Without a record and without a history nothing can be known.
func TestUpdateNeedsABase(t *testing.T) {
	dir := program(t, "example.com/me/app", false)
	if _, err := update(t, template.Options{Dir: dir, From: folder(t, second)}); err == nil || !strings.Contains(err.Error(), "git repository") {
		t.Errorf("got %v", err)
	}
	if _, err := update(t, template.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "give --from") {
		t.Errorf("got %v", err)
	}
	if r, err := update(t, template.Options{Dir: dir, From: history(t), To: "v1.0.0"}); err != nil || len(r.Written) > 0 {
		t.Errorf("to what it has: %+v, %v", r, err)
	}
	if r, err := update(t, template.Options{Dir: dir, From: folder(t, second)}); err != nil || r.Was != "v1.0.0" {
		t.Errorf("it was recorded: %+v, %v", r, err)
	}
}
