package app_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fibercrons/app/cli/template"
)

// What is ours and not in app/ is little, and the README says so: a user knows by the folder what is his.
func TestOursOutsideOfAppIsLittle(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if errors.Is(err, fs.ErrNotExist) || err == nil && !strings.HasPrefix(string(readme), "# fibercrons") {
		t.Skip("README.md is not the template's")
	}
	if err != nil {
		t.Fatal(err)
	}
	_, ours, ok := strings.Cut(string(readme), "\n| **Ours** | ")
	if !ok {
		t.Fatal("README.md has no row of what is ours")
	}
	ours, _, _ = strings.Cut(ours, "\n")
	lines := 0
	for _, path := range template.Ours() {
		text, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(path)))
		if err != nil {
			t.Errorf("%s is on the list of what is ours: %v", path, err)
		}
		if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") && !strings.HasPrefix(path, ".ci/") {
			lines += strings.Count(string(text), "\n")
		}
		if path == "config/example_file_test.go" {
			continue // it goes with config.go, and writes .env.example
		}
		if folder, _, _ := strings.Cut(path, "/"); !strings.Contains(ours, "`"+path+"`") && !strings.Contains(ours, "`"+folder+"/`") && !strings.Contains(ours, "`"+folder+"`") {
			t.Errorf("README.md does not name %s among what is ours", path)
		}
	}
	if lines > 250 {
		t.Errorf("ours outside of app/ are %d lines of Go", lines)
	}
}

// What .github says about the tree is there: files by their path, and functions in the file that stands behind them.
func TestGuidesNameWhatIsThere(t *testing.T) {
	named := regexp.MustCompile("`((?:app|cmd|jobs|models|routes|config)/[a-z0-9_/]*(?:\\.go|\\.yaml)?)`")
	walked := regexp.MustCompile("`([A-Za-z]+\\.)?([A-Za-z]+)`(?: and `[a-z]+`)? \\(`(app/[a-z0-9_/]+\\.go)`\\)")
	found := 0
	for _, guide := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		text, err := os.ReadFile(filepath.Join("..", ".github", guide))
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("the guides are not the template's")
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join("..", filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s names %s: %v", guide, m[1], err)
			}
			found++
		}
		for _, m := range walked.FindAllStringSubmatch(string(text), -1) {
			source, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(m[3])))
			if err != nil || !regexp.MustCompile(`(?m)^func (\([^)]*\) )?`+m[2]+`[\[(]`).Match(source) {
				t.Errorf("%s has no function %s, which %s leads to", m[3], m[2], guide)
			}
			found++
		}
	}
	if found < 40 {
		t.Errorf("only %d names were found: the test sees nothing", found)
	}
}
