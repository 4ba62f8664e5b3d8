package config_test

import (
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"fibercrons/app/env"
	"fibercrons/config"
)

var update = flag.Bool("update", false, "write .env.example from the struct tags")

const (
	exampleFile = "../.env.example"
	exampleHead = `# Every variable this program reads, with its default. To change some, copy this file to .env and keep
# the lines you want: cp .env.example .env
# The real environment wins over .env; an empty value means the default. Put '...' around a value with spaces, $ or #.
# Outside single quotes $NAME and ${NAME} stand for a variable that is set above, and \$ is a dollar sign; a $ that
# would expand to nothing is refused. Without quotes a # behind a space begins a comment.
# Durations: 500ms, 30s, 5m, 1h, 30d. Sizes: 4096, 256KiB, 1MiB.
# OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and others) are read as well, and need the part otel; without them there are no traces.
`
)

// TestExampleFile holds .env.example and the struct together in both directions, comments and defaults included.
func TestExampleFile(t *testing.T) {
	var want strings.Builder
	want.WriteString(exampleHead)
	yours := false
	for _, v := range env.Variables(new(config.Config)) {
		if v.Yours && !yours {
			yours = true
			want.WriteString("\n# Yours, from config/local.go:\n")
		}
		want.WriteString("\n")
		if v.About != "" {
			want.WriteString("# " + v.About + "\n")
		}
		want.WriteString(v.Name + "=" + v.Default + "\n")
	}
	if *update {
		if err := os.WriteFile(exampleFile, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.ReplaceAll(string(got), "\r\n", "\n"); text != want.String() {
		t.Errorf(".env.example and the fields of Config differ; after a look at both run: go test ./config -update\n%s", firstDifference(text, want.String()))
	}
}

// TestExampleFileIsTheDefaults copies the example to .env, as a user does.
func TestExampleFileIsTheDefaults(t *testing.T) {
	if len(env.Variables(new(config.Config))) < 20 {
		t.Fatalf("only %d variables", len(env.Variables(new(config.Config))))
	}
	plain, _, err := config.Load(env.Env(map[string]string{}), env.File(""))
	if err != nil {
		t.Skipf("variables of config.Local are required: %v", err)
	}
	copied, warnings, err := config.Load(env.Env(map[string]string{}), env.File(exampleFile))
	if err != nil || len(warnings) != 0 {
		t.Fatalf("warnings %v, error %v", warnings, err)
	}
	if a, b := plain.Settings(), copied.Settings(); !reflect.DeepEqual(a, b) {
		t.Errorf("the example gives\n%+v\nand no file\n%+v", b, a)
	}
}

func TestEveryVariableOfOursIsDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range env.Variables(new(config.Config)) {
		if seen[v.Name] {
			t.Errorf("%s is read into two fields", v.Name)
		}
		seen[v.Name] = true
		if v.Yours {
			continue
		}
		if v.Want == "" || !strings.HasSuffix(v.About, ".") {
			t.Errorf("%s: about %q, want %q", v.Name, v.About, v.Want)
		}
		// What carries a password or is one: URLs of databases, webhooks, mail servers and proxies do.
		secret := strings.Contains(v.Name, "TOKEN") || strings.Contains(v.Name, "SECRET") || strings.HasSuffix(v.Name, "_URL") || v.Name == "HTTPS_PROXY" || v.Name == "HTTP_PROXY"
		if v.Secret != secret {
			t.Errorf("%s: secret is %v", v.Name, v.Secret)
		}
	}
}

func firstDifference(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y {
			return "file:   " + x + "\nstruct: " + y
		}
	}
	return ""
}
