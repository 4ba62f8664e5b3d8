//go:build unix

package store_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

// smallDisk mounts a disk of the size, or skips the test where that is not allowed.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := asRoot("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir); err != nil {
		t.Skipf("a small disk cannot be mounted here (it takes root or sudo, and the right to mount): %v: %s", err, bytes.TrimSpace(out))
	}
	t.Cleanup(func() {
		if out, err := asRoot("umount", dir); err != nil {
			t.Errorf("unmount: %v: %s", err, out)
		}
	})
	return dir
}

func asRoot(command ...string) ([]byte, error) {
	if os.Geteuid() != 0 {
		command = append([]string{"sudo", "-n"}, command...)
	}
	return exec.Command(command[0], command[1:]...).CombinedOutput()
}

// The disk is full for a while. The process lives on, says so once, loses nothing that was
// settled, and claims again, what it has missed included, as soon as there is room.
func TestFaultDiskFull(t *testing.T) {
	onlyIfAsked(t)
	disk := smallDisk(t, "16m")
	c := newCrew(t, life{Jobs: "points", Lease: 2 * time.Second, File: filepath.Join(disk, "crons.db")})
	p := c.start()
	c.awaitWork(p)

	ballast, err := os.Create(filepath.Join(disk, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = ballast.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	ballast.Close()
	c.await("the process to say that the disk is full", func() bool { return c.logged("claim failed") > 0 })
	time.Sleep(3 * time.Second)
	lines := c.logged("level=ERROR") + c.logged("level=WARN") - c.logged("attempt failed, will retry")
	if err := os.Remove(ballast.Name()); err != nil {
		t.Fatal(err)
	}
	c.await("claiming to go on", func() bool { return c.logged("claims succeed again") > 0 })
	c.awaitWork(p)
	c.rest(p)
	w := c.world(c.look())
	report(t, append(w.violations(), c.disasters()...))
	if n := c.logged("claim failed"); n != 1 {
		t.Errorf("it was said %d times that claiming does not work", n)
	}
	if c.logged("disk is full") == 0 {
		t.Error("the log does not say that the disk is full")
	}
	if lines > 5 {
		t.Errorf("%d errors and warnings in three seconds", lines)
	}
	t.Logf("%d errors and warnings in 3 s of a full disk; %s", lines, w.figures())
}

// The file can no longer be written for a while. SQLite's own switch stands for the disk's, since
// a file system that is in use cannot be made read-only.
func TestFaultReadOnly(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		s := open(t, file(t))
		marks := filepath.Join(t.TempDir(), "marks")
		m, err := os.Create(marks)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		var log lockedBuffer
		jobs := jobSet(fleetJobs, &marker{w: m})
		sched := scheduler.New(scheduler.Config{
			Store: s, Jobs: jobs, Grace: time.Minute, Version: "0",
			Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- sched.Run(ctx) }()
		time.Sleep(time.Second)
		if err := s.Exec("PRAGMA query_only = 1"); err != nil {
			t.Fatal(err)
		}
		before := observe(t, s, jobs, nil)
		const unwritable = 6 * time.Second // longer than slots count as being on time
		time.Sleep(unwritable)
		if err := sched.Ready(ctx); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("ready on a file that cannot be written: %v", err)
		}
		if now := observe(t, s, jobs, nil); len(now.rows) != len(before.rows) {
			t.Errorf("%d rows became %d", len(before.rows), len(now.rows))
		}
		lines := log.count("level=ERROR")
		if err := s.Exec("PRAGMA query_only = 0"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if err := sched.Ready(ctx); err != nil {
			t.Errorf("ready once it can be written: %v", err)
		}
		for _, j := range jobs {
			if _, err := sched.Pause(ctx, contract.Pause{Job: j.Name}); err != nil {
				t.Error(err)
			}
		}
		awaitIdle(t, s, time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w := observe(t, s, jobs, readMarks(t, marks, 0))
		w.hurt = map[int]bool{}
		report(t, w.violations())
		if n := log.count("claim failed"); n != 1 || lines > 3 {
			t.Errorf("it was said %d times that claiming does not work, among %d errors", n, lines)
		}
		t.Logf("%d errors in %s; %s", lines, unwritable, w.figures())
	})
}

// A database on a disk that is mounted to be read is refused in a sentence, and used as before
// when it can be written again.
func TestFaultReadOnlyAtStart(t *testing.T) {
	onlyIfAsked(t)
	disk := smallDisk(t, "16m")
	path := filepath.Join(disk, "crons.db")
	s := open(t, path)
	if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	remount := func(mode string) {
		t.Helper()
		if out, err := asRoot("mount", "-o", "remount,"+mode, disk); err != nil {
			t.Fatalf("remount: %v: %s", err, out)
		}
	}
	remount("ro")
	if _, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + path}); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "writ") {
		t.Errorf("open on a disk that cannot be written: %v", err)
	}
	remount("rw")
	s = open(t, path)
	if runs, err := s.Runs(t.Context(), contract.Query{}); err != nil || len(runs) != 1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
	s.Close()
}

// The file is cut short or overwritten, while a process works on it or after it was killed. A
// process that works lives on, and what comes after it either reads runs or is told that the
// file is damaged: nothing is made anew in its place.
func TestFaultDamaged(t *testing.T) {
	onlyIfAsked(t)
	for name, damage := range map[string]func(*os.File, int64) error{
		"half":   func(f *os.File, size int64) error { return f.Truncate(size / 2) },
		"page":   func(f *os.File, _ int64) error { return f.Truncate(4096) },
		"empty":  func(f *os.File, _ int64) error { return f.Truncate(0) },
		"zeroes": func(f *os.File, size int64) error { _, err := f.WriteAt(make([]byte, size), 0); return err },
		"noise": func(f *os.File, size int64) error {
			_, err := f.WriteAt(bytes.Repeat([]byte("noise"), int(size/5)), 0)
			return err
		},
	} {
		for _, working := range []bool{true, false} {
			mode := map[bool]string{true: "working", false: "killed"}[working]
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				testDamaged(t, working, damage)
			})
		}
	}
}

func testDamaged(t *testing.T, working bool, damage func(*os.File, int64) error) {
	c := newCrew(t, life{Jobs: "points", Lease: time.Second})
	p := c.start()
	c.awaitWork(p)
	c.rest(p) // what was logged is in the file now
	door := c.door()
	c.pause(door, false)
	door.Close()
	p = c.start()
	c.awaitWork(p)
	if !working {
		p.kill()
	}
	f, err := os.OpenFile(c.life.File, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if err := damage(f, info.Size()); err != nil {
		t.Fatal(err)
	}
	if working {
		time.Sleep(2 * time.Second)
		select {
		case <-p.ended:
			t.Errorf("the process has ended: %v", p.err)
		default:
		}
		p.signal(syscall.SIGTERM)
		c.await("the process to end", func() bool {
			select {
			case <-p.ended:
				return true
			default:
				return false
			}
		})
		report(t, c.disasters())
	}

	s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + c.life.File})
	var rows []row.JobRun
	if err == nil {
		defer s.Close()
		err = s.DB().Find(&rows).Error
	} else if !strings.Contains(err.Error(), c.life.File) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("no sentence for the operator: %v", err)
	}
	if err == nil && len(rows) == 0 {
		t.Error("an empty database has taken the place of the damaged one")
	}
	t.Logf("%d runs read, %v", len(rows), err)
}

// lockedBuffer is what several goroutines write to.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) count(words string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Count(b.text.Bytes(), []byte(words))
}
