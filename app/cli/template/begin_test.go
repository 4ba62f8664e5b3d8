package template_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"fibercrons/app/cli/template"
)

func TestBegin(t *testing.T) {
	dir := folder(t, first)
	did, err := template.Begin(dir, "example.com/me/app/v2")
	if err != nil || len(did) != 4 {
		t.Fatalf("did %q, %v", did, err)
	}
	got := read(t, dir)
	for name := range got {
		if strings.HasPrefix(name, ".ci") || strings.HasPrefix(name, ".github") {
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, ".github")); err == nil {
		t.Error(".github is there, and empty")
	}
	if !strings.HasPrefix(got["README.md"], "# app\n") || got["LICENSE"] == "" || got["Dockerfile"] == "" {
		t.Errorf("README.md is\n%s", got["README.md"])
	}
	tokens := regexp.MustCompile(`(?m)^CRON_(OPERATOR|VIEWER)_TOKEN=([0-9a-f]{64})$`).FindAllStringSubmatch(got[".env"], -1)
	if len(tokens) != 2 || tokens[0][2] == tokens[1][2] {
		t.Errorf(".env is\n%s", got[".env"])
	}
	if info, err := os.Stat(filepath.Join(dir, ".env")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf(".env: %v, %v", info.Mode(), err)
	}
	if did, err := template.Begin(dir, "example.com/me/app/v2"); err != nil || len(did) > 0 {
		t.Errorf("once more: %q, %v", did, err)
	}
	same(t, read(t, dir), got)

	// It builds, and an update knows what it has.
	cmd := exec.Command("go", "vet", "./...")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	r, err := update(t, template.Options{Dir: dir, From: folder(t, second)})
	if err != nil || r.Was != "v1.0.0" || !strings.Contains(r.News, "A thing is") {
		t.Errorf("updated: %+v, %v", r, err)
	}
	if _, err := os.Stat(filepath.Join(dir, ".ci")); err == nil {
		t.Error("the update has brought back the template's CI")
	}
	if text := read(t, dir)["README.md"]; text != got["README.md"] {
		t.Errorf("README.md is\n%s", text)
	}
}

// What is the user's stays.
func TestBeginKeepsWhatIsThere(t *testing.T) {
	dir := folder(t, first.with(files{".env": "MINE=1\n", "README.md": "# mine\n", ".github/workflows/mine.yml": "on: push\n"}))
	if _, err := template.Begin(dir, "example.com/me/app"); err != nil {
		t.Fatal(err)
	}
	if got := read(t, dir); got[".env"] != "MINE=1\n" || got["README.md"] != "# mine\n" || got[".github/workflows/mine.yml"] == "" || got[".github/workflows/ci.yml"] != "" {
		t.Errorf("there is %v", got)
	}
}
