package env_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/joho/godotenv"

	"fibercrons/app/env"
)

// FuzzFile holds the statements that are checked to those that godotenv reads: what is accepted arrives as it is
// written.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"A=1\nexport B = 'x # y' # z\nC: \"a\\nb\"\n", "A=a$9b", "A=1\nB=${A}", "A='a\\'\nB='b'", "A=\"\"\"\"", "\ufeffA=1\r\nB=2\rC=3",
		"A=\u00a0x\u00a0#y", "# A=1", "A=x #y #z", "export=1\nexport\tA=2", "A==", "A:\n=b", "A=\n\nB=\"x\ny\"",
	} {
		f.Add(text)
	}
	file := filepath.Join(f.TempDir(), ".env")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		values, written, ok := env.ReadFile(file)
		if !ok {
			if _, err := godotenv.Unmarshal(text); err != nil && !strings.ContainsAny(text, "\r\ufeff") && env.Statements(text) {
				t.Errorf("%q is read here, and by godotenv not: %v", text, err)
			}
			return
		}
		if len(values) != len(written) {
			t.Fatalf("%q: %d values of %d names", text, len(values), len(written))
		}
		for name, raw := range written {
			got, isThere := values[name]
			if !isThere || !strings.ContainsAny(raw, `$\`) && got != raw {
				t.Errorf("%q: %s is %q, written %q", text, name, got, raw)
			}
		}
	})
}

func TestFileSetsTwice(t *testing.T) {
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte("PORT=1\nCRON_WORKERS=7\nPORT=1\nCRON_WORKERS=8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := env.Load(env.Env(empty()), env.File(file))
	if err != nil {
		t.Fatal(err)
	}
	if want := "CRON_WORKERS is set twice in " + file + ", on lines 2 and 4: the last one wins"; c.Workers != 8 || !slices.Contains(warnings, want) || len(warnings) != 1 {
		t.Errorf("%d workers, %q, want 8 and %q", c.Workers, warnings, want)
	}
}
