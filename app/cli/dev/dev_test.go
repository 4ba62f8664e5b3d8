package dev_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/cli/dev"
)

// buffer is what a process has written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// wait returns when the text has come that often.
func (b *buffer) wait(t *testing.T, text string, times int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); strings.Count(b.String(), text) < times; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q %d times in\n%s", text, times, b.String())
		}
	}
}

const server = `package main

import (
	_ "embed"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
)

//go:embed page.txt
var page string

func main() {
	l, err := net.Listen("unix", "socket") // it stands for the port: free when the process before is gone
	if err != nil {
		fmt.Println("port taken", err)
		return
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	fmt.Println("begin one", page)
	<-asked
	fmt.Println("end one")
	l.Close()
}
`

// A change builds and restarts; one that does not compile leaves the server; tests do not count; the end is clean.
func TestDev(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module example.com/x\n\ngo 1.26\n")
	write("cmd/server/main.go", server)
	write("cmd/server/page.txt", "old")
	ctx, cancel := context.WithCancel(t.Context())
	var out, said buffer
	ended := make(chan error, 1)
	go func() {
		ended <- dev.Run(ctx, dev.Options{Dir: dir, Package: "./cmd/server", Out: &out, Err: &said})
	}()
	out.wait(t, "begin one old\n", 1)

	write("cmd/server/main.go", server+"\nvar broken int = \"\"\n")
	said.wait(t, "does not build", 1)
	said.wait(t, "main.go:29", 1)
	if strings.Contains(out.String(), "end") {
		t.Error("the server did not go on")
	}

	write("cmd/server/main_test.go", "package main\n")
	write("data/notes.go", "package notes\n")
	write("cmd/server/main.go", strings.ReplaceAll(server, " one", " two"))
	out.wait(t, "end one\nbegin two old\n", 1)

	write("cmd/server/page.txt", "new")
	out.wait(t, "end two\nbegin two new\n", 1)

	builds := strings.Count(said.String(), "built in")
	write(".env", "A=1\n")
	out.wait(t, "end two\nbegin two new\n", 2)
	if strings.Count(said.String(), "built in") != builds {
		t.Error(".env has made it build")
	}

	write("cmd/server/main.go", "package main\n\nfunc main() { panic(\"three\") }\n")
	said.wait(t, "the server has ended (exit status 2); waiting", 1)
	write("cmd/server/main.go", server)
	out.wait(t, "begin one new\n", 1)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if text := out.String(); !strings.HasSuffix(text, "end one\n") || strings.Contains(text, "port taken") {
		t.Errorf("out:\n%s", text)
	}
	if text := said.String(); strings.Contains(text, "_test.go") || strings.Contains(text, "notes.go") {
		t.Errorf("said:\n%s", text)
	}
}
