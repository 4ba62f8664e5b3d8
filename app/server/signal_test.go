//go:build unix

package server

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/console"
	"fibercrons/app/store"
)

// asServer makes the test binary run as the program.
const asServer = "as-server"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == asServer {
		cron.Register("endless", "@every 10ms", func(ctx context.Context) error {
			fmt.Println("entered")
			<-ctx.Done()
			return ctx.Err()
		})
		os.Args = os.Args[:1]
		os.Exit(Main(Program{Jobs: cron.Default, Load: load, Routes: mount}))
	}
	goleak.VerifyTestMain(m,
		// Two goroutines of fasthttp, which end only after some seconds.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
	)
}

func TestSignals(t *testing.T) {
	for _, test := range []struct {
		name   string
		grace  string
		first  syscall.Signal
		second bool
		status int
	}{
		{"SIGTERM", "0", syscall.SIGTERM, false, exitDone},
		{"SIGINT", "0", syscall.SIGINT, false, exitDone},
		{"SIGHUP", "0", syscall.SIGHUP, false, exitDone},
		{"a second signal does not wait", "1h", syscall.SIGTERM, true, console.ExitAtOnce},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.first == syscall.SIGHUP && signal.Ignored(syscall.SIGHUP) {
				t.Skip("SIGHUP is ignored here, as under nohup(1)")
			}
			server := exec.Command(os.Args[0], asServer)
			server.Dir = t.TempDir()
			server.Env = append(os.Environ(), "PORT=0", "LOG_FORMAT=json", "CRON_SHUTDOWN_GRACE="+test.grace,
				"DATABASE_URL=sqlite://"+filepath.Join(server.Dir, "crons.db"))
			entered, draining := watch("entered"), watch("waiting for runs")
			server.Stdout, server.Stderr = entered, draining
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = server.Process.Kill() })
			<-entered.seen
			send(t, server, test.first)
			if test.second {
				<-draining.seen
				time.Sleep(200 * time.Millisecond) // an earlier one counts as an echo of the first signal
				send(t, server, test.first)
			}
			err := server.Wait()
			if got := server.ProcessState.ExitCode(); got != test.status {
				t.Errorf("exit status %d (%v), want %d; stderr:\n%s", got, err, test.status, draining.text.String())
			}
		})
	}
}

// watcher closes seen when a text has been written to it.
type watcher struct {
	want string
	text buffer
	once sync.Once
	seen chan struct{}
}

func watch(text string) *watcher { return &watcher{want: text, seen: make(chan struct{})} }

func (w *watcher) Write(p []byte) (int, error) {
	n, err := w.text.Write(p)
	if strings.Contains(w.text.String(), w.want) {
		w.once.Do(func() { close(w.seen) })
	}
	return n, err
}

func send(t *testing.T, p *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := p.Process.Signal(s); err != nil {
		t.Error(err)
	}
}

// The server continues without a reader of its output, and stops normally.
func TestClosedPipes(t *testing.T) {
	server := exec.Command(os.Args[0], asServer)
	server.Dir = t.TempDir()
	server.Env = append(os.Environ(), "PORT=0", "LOG_FORMAT=json", "CRON_SHUTDOWN_GRACE=0", "DATABASE_URL=sqlite://crons.db")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Process.Kill() })
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), `"serving"`) {
	}
	entered := bufio.NewScanner(stdout)
	for entered.Scan() && entered.Text() != "entered" {
	}
	_, _ = stdout.Close(), stderr.Close()
	send(t, server, syscall.SIGTERM) // logs into a closed pipe
	if _ = server.Wait(); server.ProcessState.ExitCode() != exitDone {
		t.Errorf("%s", server.ProcessState)
	}
	db, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + filepath.Join(server.Dir, "crons.db"), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	runs, err := db.Runs(t.Context(), contract.Query{})
	if err != nil || len(runs) == 0 {
		t.Fatalf("%d runs (%v)", len(runs), err)
	}
	for _, r := range runs {
		if !r.Status.Ended() {
			t.Errorf("run %s was left %s", r.ID, r.Status)
		}
	}
}
