package cli

import (
	"context"
	"go/format"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fibercrons/app/cli/source"
)

// module makes the fixture's folder a module with the given files.
func (f *fixture) module(files map[string]string) {
	f.t.Helper()
	for name, text := range files {
		path := filepath.Join(f.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			f.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestNewWritesAJob(t *testing.T) {
	for _, test := range []struct{ name, file string }{
		{"report", "report.go"},
		{"billing.monthly-report", "billing_monthly_report.go"},
		{"2fa", "2fa.go"},
		// These names would leave the file out of the build.
		{"cleanup_windows", "cleanup_windows_job.go"},
		{"cleanup-linux", "cleanup_linux_job.go"},
		{"x_test", "x_test_job.go"},
		{"x.test", "x_test_job.go"},
		{"on_linux_amd64", "on_linux_amd64_job.go"},
		{"sync.arm64", "sync_arm64_job.go"},
		// These look like it and are fine.
		{"windows", "windows.go"},
		{"windows_updates", "windows_updates.go"},
		{"latest", "latest.go"},
		{"on_unix", "on_unix.go"},
	} {
		f := newFixture(t)
		f.module(map[string]string{"go.mod": "module example.com/me/app\n", "jobs/doc.go": "package jobs\n"})
		r := f.run("new", test.name, "30 2 * * *")
		if r.status != exitDone || !strings.Contains(r.out, test.file) {
			t.Errorf("new %s: %+v", test.name, r)
			continue
		}
		text, err := os.ReadFile(filepath.Join(f.dir, "jobs", test.file))
		if err != nil {
			t.Error(err)
			continue
		}
		formatted, err := format.Source(text)
		if err != nil || string(formatted) != string(text) {
			t.Errorf("%s is not formatted (%v):\n%s", test.file, err, text)
		}
		for _, part := range []string{`"example.com/me/app/app/cron"`, `cron.Register("` + test.name + `", "30 2 * * *", func`} {
			if !strings.Contains(string(text), part) {
				t.Errorf("%s has no %s:\n%s", test.file, part, text)
			}
		}
		mistakes, warnings, err := source.Unbuilt(f.dir)
		if err != nil || len(mistakes)+len(warnings) > 0 {
			t.Errorf("check says about it: %v %v %v", mistakes, warnings, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"new"}, "name and an expression"},
		{[]string{"new", "report"}, "name and an expression"},
		{[]string{"new", "Report", "@daily"}, "begins with a letter or digit"},
		{[]string{"new", "../evil", "@daily"}, "begins with a letter or digit"},
		{[]string{"new", "runs", "@daily"}, "reserved"},
		{[]string{"new", "report", "61 * * * *"}, "minute 61 is out of range"},
		{[]string{"new", "report", "0 0 30 2 *"}, "never fires"},
		{[]string{"new", "taken", "@daily"}, "exists already"},
		{[]string{"new", "hello", "@daily"}, "exists already, in cli/"},
		{[]string{"new", "report", "app", "go.mod", "jobs"}, "put quotes around"},
	} {
		f := newFixture(t)
		f.registry.Register("hello", "@daily", func(context.Context) error { return nil })
		f.module(map[string]string{"go.mod": "module example.com/me/app\n", "jobs/taken.go": "package jobs // mine\n"})
		r := f.run(test.args...)
		if r.status != exitUsage || !strings.Contains(r.err, test.want) {
			t.Errorf("%v: got %+v, want %q", test.args, r, test.want)
		}
		if kept, err := os.ReadFile(filepath.Join(f.dir, "jobs", "taken.go")); err != nil || string(kept) != "package jobs // mine\n" {
			t.Errorf("%v: the user's file is %q now (%v)", test.args, kept, err)
		}
		if files, _ := filepath.Glob(filepath.Join(f.dir, "jobs", "*")); len(files) != 1 {
			t.Errorf("%v: left %v", test.args, files)
		}
	}
	f := newFixture(t)
	if r := f.run("new", "report", "@daily"); r.status != exitUsage || !strings.Contains(r.err, "go.mod") {
		t.Errorf("without a module: %+v", r)
	}
}
