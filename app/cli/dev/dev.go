package dev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"fibercrons/app/internal/console"
)

const (
	poll  = 300 * time.Millisecond
	quiet = 100 * time.Millisecond // without a change, before a build: an editor may write several files
	still = 20                     // times quiet at most
)

// Options say what to run.
type Options struct {
	Dir      string // the module's root folder
	Package  string // of the server, such as ./cmd/server
	Out, Err io.Writer
}

// Run builds and runs the server until ctx ends, and then stops it.
func Run(ctx context.Context, o Options) (err error) {
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "cli-dev-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	d := &dev{Options: o, scratch: scratch, watch: newWatch(o.Dir)}
	defer console.AtOnce(ctx, d.kill)()
	return d.run(ctx)
}

type dev struct {
	Options
	scratch string
	watch   *watch
	builds  int
	binary  string // of the last build that succeeded

	mu     sync.Mutex // for kill, which another goroutine calls
	server *server    // nil if none runs
}

func (d *dev) setServer(s *server) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.server = s
}

// kill ends the server at once.
func (d *dev) kill() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.server != nil {
		_ = d.server.cmd.Process.Kill()
	}
}

func (d *dev) say(format string, a ...any) {
	fmt.Fprintln(d.Err, "dev: "+console.Lines(fmt.Sprintf(format, a...)))
}

func (d *dev) run(ctx context.Context) error {
	seen := d.watch.scan()
	d.turn(ctx, seen, true)
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			d.stop()
			return nil
		case <-d.ended():
			d.say("the server has ended (%s); waiting for a change", d.server.how)
			d.setServer(nil)
			continue
		case <-ticker.C:
		}
		now := d.watch.scan()
		what := seen.differs(now)
		if what == nil {
			continue
		}
		for range still { // until nothing changes any more
			time.Sleep(quiet)
			next := d.watch.scan()
			if now.differs(next) == nil {
				break
			}
			now = next
		}
		seen = now
		d.say("%s changed", named(what))
		d.turn(ctx, seen, len(what) != 1 || what[0] != envFile)
	}
}

// turn builds if need be, and replaces the server. It adds to seen what is watched from now on.
func (d *dev) turn(ctx context.Context, seen snapshot, rebuild bool) {
	if rebuild || d.binary == "" {
		began := time.Now()
		binary, err := d.build(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			until := "waiting for a change"
			if d.server != nil {
				until = "the server before it goes on"
			}
			d.say("it does not build; %s\n%v", until, err)
			return
		}
		d.say("built in %s", time.Since(began).Round(10*time.Millisecond))
		before := d.watch.scan()
		d.watch.learn(ctx, d.Package)
		for name, s := range d.watch.scan() {
			if _, ok := before[name]; !ok {
				seen[name] = s
			}
		}
		d.binary = binary
	}
	d.stop()
	if ctx.Err() != nil {
		return
	}
	server, err := start(d.binary, d.Options)
	if err != nil {
		d.say("start the server: %v", err)
		return
	}
	d.setServer(server)
}

// build returns the new program. Two names take turns: a program that runs cannot be overwritten everywhere. Without
// symbols it is linked in half the time.
func (d *dev) build(ctx context.Context) (string, error) {
	name := filepath.Join(d.scratch, fmt.Sprintf("server%d", d.builds%2))
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	d.builds++
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", name, d.Package)
	cmd.Dir = d.Dir
	out, err := cmd.CombinedOutput()
	if err != nil && len(bytes.TrimSpace(out)) > 0 {
		err = errors.New(string(bytes.TrimSpace(out)))
	}
	return name, err
}

// ended is closed when the server has ended; without one it blocks.
func (d *dev) ended() <-chan struct{} {
	if d.server == nil {
		return nil
	}
	return d.server.done
}

// stop ends the server as a deploy does, and waits for it.
func (d *dev) stop() {
	if d.server == nil {
		return
	}
	d.server.terminate()
	select {
	case <-d.server.done:
	case <-time.After(time.Second):
		d.say("waiting for the runs of the server to end, at most CRON_SHUTDOWN_GRACE")
		<-d.server.done
	}
	d.setServer(nil)
}

func named(what []string) string {
	const few = 3
	list := make([]string, 0, few+1)
	for _, name := range what[:min(few, len(what))] {
		list = append(list, filepath.ToSlash(name))
	}
	if more := len(what) - few; more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, ", ")
}
