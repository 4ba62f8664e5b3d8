// Package deploy_test holds the files to copy to what the program does.
package deploy_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"fibercrons/app/env"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A platform that kills before the grace is over cuts runs off.
func TestPlatformsWaitForTheGrace(t *testing.T) {
	cfg, _, err := env.Load(env.File(""), env.Env(nil))
	if err != nil {
		t.Fatal(err)
	}
	for name, pattern := range map[string]string{
		"fibercrons.service": `(?m)^TimeoutStopSec=(\d+)$`,
		"kubernetes.yaml":    `terminationGracePeriodSeconds: (\d+)`,
	} {
		m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, name))
		if m == nil {
			t.Errorf("%s does not say how long it waits", name)
			continue
		}
		if seconds, _ := strconv.Atoi(m[1]); float64(seconds) < cfg.ShutdownGrace.Seconds()+5 {
			t.Errorf("%s waits %d s, and CRON_SHUTDOWN_GRACE is %s", name, seconds, cfg.ShutdownGrace)
		}
	}
}

// Every variable that is named here is one that the program reads.
func TestVariablesAreKnown(t *testing.T) {
	var known []string
	for _, v := range env.Variables(&env.Config{}) {
		known = append(known, v.Name)
	}
	files, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		for _, word := range regexp.MustCompile(`\b(CRON_[A-Z_]+|DATABASE_URL|REDIS_[A-Z]+|APP_ENV|HOST)\b`).FindAllString(read(t, name), -1) {
			found++
			if !slices.Contains(known, word) {
				t.Errorf("%s names %s, which the program does not read", name, word)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d variables were looked at", found)
	}
}

func TestKubernetesIsWhole(t *testing.T) {
	d := yaml.NewDecoder(strings.NewReader(read(t, "kubernetes.yaml")))
	var kinds []string
	for {
		var object struct {
			Kind string
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Ports           []struct{ Name string }
							SecurityContext map[string]any          `yaml:"securityContext"`
							VolumeMounts    []struct{ Name string } `yaml:"volumeMounts"`
						}
						Volumes []struct{ Name string }
					}
				}
			}
		}
		err := d.Decode(&object)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, object.Kind)
		for _, c := range object.Spec.Template.Spec.Containers {
			if c.SecurityContext["readOnlyRootFilesystem"] != true || len(c.Ports) != 1 || c.Ports[0].Name != "http" {
				t.Errorf("%+v", c)
			}
			for _, m := range c.VolumeMounts {
				if !slices.ContainsFunc(object.Spec.Template.Spec.Volumes, func(v struct{ Name string }) bool { return v.Name == m.Name }) {
					t.Errorf("there is no volume %s", m.Name)
				}
			}
		}
	}
	if strings.Join(kinds, " ") != "Deployment Service" {
		t.Error(kinds)
	}
}

func TestUnitIsValid(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	// The programs of the unit are not here.
	unit := strings.ReplaceAll(read(t, "fibercrons.service"), "ExecStart=/opt/fibercrons/server", "ExecStart=/bin/true")
	file := filepath.Join(t.TempDir(), "fibercrons.service")
	if err := os.WriteFile(file, []byte(unit), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), "fibercrons.service:") {
		t.Errorf("%v\n%s", err, out)
	}
}
