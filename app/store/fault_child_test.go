//go:build unix

package store_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
)

// The fault suites run real schedulers in processes of their own, so that these can be killed,
// stopped and replaced. Such a process is this test binary, started again with a life to lead.

// life is what one process is told.
type life struct {
	Number int    // of no other process
	URL    string // of the database; empty: the file's
	File   string
	Marks  string // it appends what it does here
	Jobs   string // the name of a set
	Lease  time.Duration
	Skew   time.Duration // how far its clock is ahead; see [skewed]
	Signs  bool          // it marks, too, that it reaches the database
	Trace  bool          // and why runs start late; see [tracing]
	Fail   *failpoint
}

const lifeVariable = "FAULT_LIFE"

func init() {
	text := os.Getenv(lifeVariable)
	if text == "" {
		return
	}
	var l life
	err := json.Unmarshal([]byte(text), &l)
	if err == nil {
		err = l.lead()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fatal error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (l life) url() string {
	if l.URL != "" {
		return l.URL
	}
	return "sqlite://" + l.File
}

// lead runs a scheduler until SIGTERM, or until the test is gone.
func (l life) lead() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo})).With("life", l.Number)
	s, err := store.Open(ctx, store.Options{URL: l.url(), Logger: log, RetryFor: time.Minute})
	if err != nil {
		return err
	}
	if l.Fail != nil {
		l.Fail.arm(s)
	}
	f, err := os.OpenFile(l.Marks, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	m := &marker{life: l.Number, w: f, skew: l.Skew}
	var kept contract.Store = &punctual{Store: s, marker: m, lease: l.Lease, heard: time.Now()}
	if l.Signs {
		kept = &telling{Store: kept, marker: m}
	}
	if l.Trace {
		kept = &tracing{Store: kept, marker: m}
		watching, stop := context.WithCancel(context.Background())
		var watch sync.WaitGroup
		watch.Go(func() { m.stalls(watching) })
		defer watch.Wait()
		defer stop()
	}
	if l.Skew != 0 {
		kept = &skewed{Store: kept, by: l.Skew}
	}
	sched := scheduler.New(scheduler.Config{
		Store: kept, Jobs: jobSet(l.Jobs, m), Lease: l.Lease,
		Grace: time.Minute, Log: log, Version: fmt.Sprint(l.Number),
	})
	err = sched.Run(ctx)
	if err != nil && strings.HasPrefix(err.Error(), "sign off: ") && strings.Contains(err.Error(), "does not answer") {
		log.Warn("left without a word: the server stood still", "err", err)
		err = nil
	}
	return errors.Join(err, s.Close())
}

// punctual notes when a sign of life came so late that others were right to take the process for
// dead, as happens on a busy machine.
type punctual struct {
	*store.Store
	marker *marker
	lease  time.Duration
	heard  time.Time // the last sign of life was asked for; of the scheduler's heartbeat alone
}

func (p *punctual) Beat(ctx context.Context, b contract.Beat) ([]contract.LeasedRun, error) {
	if b.Quick || b.Gone {
		return p.Store.Beat(ctx, b)
	}
	asked := time.Now()
	held, err := p.Store.Beat(ctx, b)
	if time.Since(p.heard) >= p.lease {
		p.marker.late()
	}
	if err == nil {
		p.heard = asked
	}
	return held, err
}

// failpoint makes the store fail at one point of transactions of one kind.
type failpoint struct {
	Kind  string // claim, start or finish
	Point string // commit: right before; committed: right after, and the answer is lost
	Every int    // of so many
	Die   bool   // the process ends there, as by kill -9
	Err   error  `json:"-"`
}

func (f *failpoint) arm(s *store.Store) (fired func() int) {
	var mu sync.Mutex
	n, hits := 0, 0
	s.Tamper(func(point string, kinds []string) error {
		if point != f.Point || !slices.Contains(kinds, f.Kind) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if n++; n%f.Every != 0 {
			return nil
		}
		hits++
		if f.Die {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		return f.Err
	})
	return func() int { mu.Lock(); defer mu.Unlock(); return hits }
}

// markFormat is one line of what a process did; see [mark]. It is written by one call, before the
// effect that it tells of, and so is known even if the process dies there.
const markFormat = "%s %s %s %d %d %s %d %d %d\n"

type marker struct {
	life int
	w    io.Writer
	skew time.Duration
}

func (m *marker) mark(kind string, r *cron.Run) {
	k := mark{Kind: kind, Job: r.Job(), Schedule: r.Schedule(), Attempt: r.Attempt(), Run: r.ID(), Args: tenantArgsOf(r.Args())}
	if slot := r.Slot(); !slot.IsZero() {
		k.Slot = slot.Add(m.skew).UnixMilli()
	}
	m.write(k)
}

func (m *marker) late() { m.write(mark{Kind: "late"}) }

func (m *marker) write(k mark) {
	var lines bytes.Buffer
	m.line(&lines, time.Now(), k)
	m.put(&lines)
}

// line writes a mark of this life at an instant.
func (m *marker) line(to *bytes.Buffer, at time.Time, k mark) {
	fmt.Fprintf(to, markFormat, k.Kind, cmp.Or(k.Job, "-"), cmp.Or(k.Schedule, "-"), k.Slot, k.Attempt, cmp.Or(k.Run, "-"), k.Args,
		m.life, at.Add(m.skew).UnixMicro())
}

func (m *marker) put(lines *bytes.Buffer) {
	if lines.Len() == 0 {
		return
	}
	if _, err := m.w.Write(lines.Bytes()); err != nil {
		panic(err)
	}
}

// body is a job that takes as long as told, and fails in its first attempt if told.
func (m *marker) body(takes time.Duration, fails bool) cron.Func {
	return func(ctx context.Context) error {
		r := cron.RunFrom(ctx)
		m.mark("start", r)
		defer m.mark("end", r)
		if takes > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(takes):
			}
		}
		if fails && r.Attempt() == 1 {
			return errors.New("the first attempt fails")
		}
		return nil
	}
}

// jobSet returns the jobs of a set. Its names say what is special about each. With a name that ends in
// [withTenants] it has the jobs of stored schedules, too.
func jobSet(name string, m *marker) []*cron.Job {
	name, tenants := strings.CutSuffix(name, withTenants)
	r := cron.NewRegistry()
	add := func(name, expr string, takes time.Duration, options ...cron.Option) {
		r.Register(name, expr, m.body(takes, name == "flaky"), append(options, cron.Keep(0, 0))...)
	}
	const ms = time.Millisecond
	tick := 20 * ms
	if crontest.UnderRace { // three processes cannot write a claim every 20 ms each: SQLite is twenty times slower
		tick = 100 * ms
	}
	if tenants {
		registerTenants(r, m, name)
	}
	every := func(ticks int) string { return "@every " + (time.Duration(ticks) * tick).String() }
	allow, rerun := cron.Overlap(cron.Allow), cron.OnCrash(cron.Rerun)
	switch name {
	case "crowd":
		// All slots lie on one tick, so that one transaction claims what is due together.
		add("fast-skip", every(1), 0, allow)
		add("fast-rerun", every(1), 0, allow, rerun)
		add("long-skip", every(5), 170*ms, allow)
		add("long-rerun", every(6), 190*ms, allow, rerun)
		add("in-turn", every(4), 10*ms, cron.Overlap(cron.Queue), rerun, cron.CatchUp(cron.All))
		add("alone", every(3), 4*tick)
		add("flaky", every(7), 0, allow, rerun, cron.Retry(2, cron.Fixed(50*ms)))
	case "slow":
		add("fast-skip", every(2), 0, allow)
		add("fast-rerun", every(2), 0, allow, rerun)
		add("long-skip", every(10), 700*ms, allow)
		add("long-rerun", every(10), 700*ms, allow, rerun)
		add("in-turn", every(20), 300*ms, cron.Overlap(cron.Queue), rerun)
	case "points", "fleet": // the latter is for fake time, in which nothing is slow
		if tick = 100 * ms; crontest.UnderRace && name == "points" {
			tick = 500 * ms
		}
		add("fast-skip", every(1), 0, allow)
		add("fast-rerun", every(1), 0, allow, rerun)
		add("long-skip", every(2), 3*tick, allow)
		add("long-rerun", every(2), 3*tick, allow, rerun)
		add("in-turn", every(1), 30*ms, cron.Overlap(cron.Queue), rerun, cron.CatchUp(cron.All))
		add("flaky", every(2), 0, allow, rerun, cron.Retry(2, cron.Fixed(50*ms)))
	case "before", "after":
		add("stays", every(2), 20*ms, allow)
		add("line", "@every 100ms", 130*ms, cron.Overlap(cron.Queue), cron.CatchUp(cron.All))
		if name == "before" {
			add("edited", "@every 100ms", 0, allow)
			add("removed", "@every 100ms", 130*ms, cron.Overlap(cron.Queue))
		} else {
			add("edited", "@every 130ms", 0, allow)
			add("added", "@every 200ms", 0, allow)
		}
	case "hundred":
		// A hundred slots a second, all of them on ticks of 200 ms. Clocks are off by whole ticks.
		for i := range 16 {
			add(fmt.Sprintf("fast-skip-%d", i), "@every 200ms", 0, allow)
		}
		add("fast-rerun", "@every 200ms", 0, allow, rerun)
		add("long-skip", "@every 200ms", 300*ms, allow)
		add("long-rerun", "@every 200ms", 300*ms, allow, rerun)
		add("in-turn", "@every 200ms", 10*ms, cron.Overlap(cron.Queue), rerun, cron.CatchUp(cron.All))
	default:
		n, ok := strings.CutPrefix(name, "version ")
		if !ok {
			panic("no set of jobs " + name)
		}
		version, err := strconv.Atoi(n)
		if err != nil {
			panic(err)
		}
		add("stays", "@every 100ms", 0, allow)
		add("in-turn", "@every 200ms", 50*ms, cron.Overlap(cron.Queue), rerun, cron.CatchUp(cron.All))
		add("edited", "@every "+editedEvery(version).String(), 0, allow)
		add("only-"+n, "@every 100ms", 0, allow)
	}
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour, Env: "test"})
	if err != nil {
		panic(err)
	}
	return jobs
}
