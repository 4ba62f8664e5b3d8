//go:build unix

package dev_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/cli/dev"
	"fibercrons/app/internal/console"
)

const childDir = "DEV_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		ctx, _ := console.Context()
		if err := dev.Run(ctx, dev.Options{Dir: dir, Package: "./cmd/server", Out: os.Stdout, Err: os.Stderr}); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// The first signal waits for a server that has runs to end; the second one ends it at once, and leaves no process.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	dir := t.TempDir()
	stubborn := strings.Replace(server, "\t<-asked\n", "\t<-asked\n\tfmt.Println(\"draining\")\n\tselect {}\n", 1)
	for name, text := range map[string]string{"go.mod": "module example.com/x\n\ngo 1.26\n", "cmd/server/main.go": stubborn, "cmd/server/page.txt": "old"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Minute
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.wait(t, "begin one old\n", 1)
	_ = cmd.Process.Signal(syscall.SIGINT)
	out.wait(t, "draining\n", 1)
	out.wait(t, "waiting for the runs", 1)
	_ = cmd.Process.Signal(syscall.SIGINT)
	err := cmd.Wait() // also for the server, which has the same output
	if said, ok := errors.AsType[*exec.ExitError](err); !ok || said.ExitCode() != console.ExitAtOnce {
		t.Errorf("it ended with %v", err)
	}
	if c, err := net.Dial("unix", filepath.Join(dir, "socket")); err == nil {
		c.Close()
		t.Error("the server goes on")
	}
}
