//go:build unix

package store_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

// crew is the processes that share one database.
type crew struct {
	t       *testing.T
	life    life // what all of them are told
	dir     string
	lives   atomic.Int64
	mu      sync.Mutex
	running map[*process]bool
	tenants []*tenants
	rested  time.Time
}

// markFiles is how many files the processes append what they do to: enough for no two that live
// at one time to share one, but by chance.
const markFiles = 8

// process is one life.
type process struct {
	number int
	marks  string
	cmd    *exec.Cmd
	stdin  io.Closer
	ended  chan struct{}
	err    error // once ended
}

func newCrew(t *testing.T, told life) *crew {
	t.Helper()
	dir := t.TempDir()
	if told.URL == "" && told.File == "" {
		told.File = filepath.Join(dir, "crons.db")
	}
	told.Marks = filepath.Join(dir, "marks")
	c := &crew{t: t, life: told, dir: dir, running: map[*process]bool{}}
	t.Cleanup(func() {
		c.mu.Lock()
		left := slices.Collect(maps.Keys(c.running))
		c.mu.Unlock()
		for _, p := range left {
			p.kill()
		}
		if t.Failed() {
			log, _ := os.ReadFile(c.logFile())
			var told []byte // what went well is most of it, and tells nothing
			for line := range bytes.Lines(log) {
				if !bytes.Contains(line, []byte(`msg="attempt succeeded"`)) {
					told = append(told, line...)
				}
			}
			t.Logf("the end of what the processes logged:\n%s", told[max(0, len(told)-20_000):])
		}
	})
	return c
}

func (c *crew) logFile() string { return filepath.Join(c.dir, "log") }

// start starts a process; change may tell it something of its own.
func (c *crew) start(change ...func(*life)) *process {
	l := c.life
	l.Number = int(c.lives.Add(1))
	l.Marks = fmt.Sprintf("%s.%d", l.Marks, l.Number%markFiles)
	for _, f := range change {
		f(&l)
	}
	spec, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	log, err := os.OpenFile(c.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer log.Close()
	p := &process{number: l.Number, marks: l.Marks, ended: make(chan struct{})}
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), lifeVariable+"="+string(spec), "GORACE=atexit_sleep_ms=0")
	p.cmd.Stderr = log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		panic(err)
	}
	if err := p.cmd.Start(); err != nil {
		panic(err)
	}
	c.mu.Lock()
	c.running[p] = true
	c.mu.Unlock()
	go func() {
		p.err = p.cmd.Wait()
		c.mu.Lock()
		delete(c.running, p)
		c.mu.Unlock()
		close(p.ended)
	}()
	return p
}

func (p *process) signal(s syscall.Signal) {
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		panic(err)
	}
}

// kill ends the process as the kernel does when memory is short, and says whether it lived.
func (p *process) kill() bool {
	p.signal(syscall.SIGKILL)
	<-p.ended
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// retire asks processes to end, all at once, and waits for them.
func (c *crew) retire(processes ...*process) {
	c.t.Helper()
	for _, p := range processes {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range processes {
		select {
		case <-p.ended:
			if p.err != nil {
				c.t.Errorf("process %d ended with %v", p.number, p.err)
			}
		case <-time.After(patience):
			c.quit()
			c.t.Fatalf("process %d has not ended %s after SIGTERM", p.number, patience)
		}
	}
}

// await waits until ok, for processes go by the real clock.
func (c *crew) await(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			c.quit()
			c.t.Fatalf("waited %s for %s", patience, what)
		}
	}
}

// asked asks the database until it answers: a server may stand still for longer than the store waits for it,
// by itself on a busy machine or as a test wants it.
func asked[T any](t *testing.T, question func() (T, error)) T {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		answer, err := question()
		if err == nil {
			return answer
		}
		if t.Context().Err() != nil || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// quit ends the processes and has them log where their goroutines are.
func (c *crew) quit() {
	c.mu.Lock()
	left := slices.Collect(maps.Keys(c.running))
	c.mu.Unlock()
	for _, p := range left {
		p.signal(syscall.SIGQUIT)
		<-p.ended
	}
}

// awaitWork waits until each of the processes has started a run from now on.
func (c *crew) awaitWork(processes ...*process) {
	c.t.Helper()
	for _, p := range processes {
		works := p.works(c.t)
		c.await(fmt.Sprintf("process %d to work", p.number), works)
	}
}

// works returns what says whether the process has started a run since.
func (p *process) works(t *testing.T) func() bool {
	var seen int64
	if info, err := os.Stat(p.marks); err == nil {
		seen = info.Size()
	}
	return func() bool {
		return slices.ContainsFunc(readMarks(t, p.marks, seen), func(m mark) bool { return m.Life == p.number && m.Kind == "start" })
	}
}

// active returns the runs that are a process's, by ID.
func (c *crew) active(s *store.Store, p *process) map[string]row.JobRun {
	c.t.Helper()
	return c.find(s, "ended_at IS NULL AND instance IN (SELECT id FROM job_instances WHERE version = ?)", strconv.Itoa(p.number))
}

// find returns runs by ID.
func (c *crew) find(s *store.Store, where string, args ...any) map[string]row.JobRun {
	c.t.Helper()
	rows := asked(c.t, func() (rows []row.JobRun, err error) {
		return rows, s.DB().Where(where, args...).Find(&rows).Error
	})
	found := make(map[string]row.JobRun, len(rows))
	for _, r := range rows {
		found[r.ID] = r
	}
	return found
}

// marks returns what all of the processes did.
func (c *crew) marks() (all []mark) {
	c.t.Helper()
	for i := range markFiles {
		all = append(all, readMarks(c.t, fmt.Sprintf("%s.%d", c.life.Marks, i), 0)...)
	}
	return all
}

// readMarks reads what was written in [markFormat] behind the first bytes of a file. The kernel takes
// a line as a whole or not at all, also from a process that is killed as it writes.
func readMarks(t *testing.T, path string, behind int64) (all []mark) {
	t.Helper()
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, behind, math.MaxInt64-behind))
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // it is being written
		}
		var m mark
		if _, err := fmt.Sscanf(string(line), markFormat, &m.Kind, &m.Job, &m.Schedule, &m.Slot, &m.Attempt, &m.Run, &m.Args, &m.Life, &m.At); err != nil {
			t.Fatalf("mark %q: %v", line, err)
		}
		if m.Schedule == "-" {
			m.Schedule = ""
		}
		all = append(all, m)
	}
	return all
}

// look opens the database to read.
func (c *crew) look() *store.Store {
	c.t.Helper()
	s := asked(c.t, func() (*store.Store, error) {
		return store.Open(c.t.Context(), store.Options{URL: c.life.url(), ReadOnly: true})
	})
	c.t.Cleanup(func() { s.Close() })
	return s
}

// door opens the database to write, as the command line does.
func (c *crew) door() *store.Store { c.t.Helper(); return c.doorTo(c.life.url()) }

func (c *crew) doorTo(url string) *store.Store {
	c.t.Helper()
	s := asked(c.t, func() (*store.Store, error) {
		return store.Open(c.t.Context(), store.Options{URL: url, RetryFor: patience})
	})
	c.t.Cleanup(func() { s.Close() })
	return s
}

// unlocked says whether a transaction can begin, or a process that does not go on is in one.
func unlocked(s *store.Store) bool {
	for range 10 {
		if s.Exec("BEGIN IMMEDIATE; ROLLBACK") == nil {
			return true
		}
	}
	return false
}

// watch looks at the watermarks until the answer is called, which says what went back.
func (c *crew) watch(s *store.Store) (end func() []string) {
	stop, ended := make(chan struct{}), make(chan struct{})
	var backward []string
	go func() {
		defer close(ended)
		at, answered, turn := map[string]time.Time{}, time.Now(), 0
		for {
			states, err := s.States(c.t.Context())
			if err == nil {
				answered = time.Now()
			} else if time.Since(answered) > patience {
				backward = append(backward, fmt.Sprintf("the watermarks cannot be read: %v", err))
				return
			}
			for job, st := range states {
				if st.Watermark.Before(at[job]) {
					backward = append(backward, fmt.Sprintf("the watermark of %s went back from %s to %s", job, at[job], st.Watermark))
				}
				at[job] = st.Watermark
			}
			if turn++; turn%10 == 0 && len(c.tenants) > 0 {
				stored, _ := s.StoredSchedules(c.t.Context(), contract.ScheduleQuery{Limit: 10_000})
				for _, g := range stored {
					key := fmt.Sprint(g.ID, " made at ", g.CreatedAt)
					if g.Watermark.Before(at[key]) {
						backward = append(backward, fmt.Sprintf("the watermark of %s went back from %s to %s", key, at[key], g.Watermark))
					}
					at[key] = g.Watermark
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	return sync.OnceValue(func() []string { close(stop); <-ended; return backward })
}

// logged counts the lines of the processes' log that hold the words.
func (c *crew) logged(words string) int {
	c.t.Helper()
	log, err := os.ReadFile(c.logFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.t.Fatal(err)
	}
	return bytes.Count(log, []byte(words))
}

var disaster = regexp.MustCompile(`DATA RACE|^panic:|^fatal error:|\[signal `)

// disasters are the lines that a process logs when it ends by its own fault.
func (c *crew) disasters() (lines []string) {
	f, err := os.Open(c.logFile())
	if err != nil {
		return []string{err.Error()}
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if disaster.Match(s.Bytes()) {
			lines = append(lines, "a process ended by its own fault: "+s.Text())
		}
	}
	return lines
}

// rest pauses every job, lets the processes settle every slot until now and work off what waits, and asks
// them to end. What is missing is looked for up to the watermarks: one that stood still would hide it.
func (c *crew) rest(processes ...*process) {
	c.t.Helper()
	s := c.door()
	defer s.Close()
	if len(c.tenants) > 0 {
		for _, d := range c.tenants {
			d.rest()
			d.door.(*store.Store).Close()
		}
		c.await("every deferred run to begin", func() bool { // a paused job's would wait
			return len(c.find(s, "ended_at IS NULL AND due_at > 0")) == 0
		})
	}
	until := time.Now()
	c.pause(s, true)
	c.await("every slot until now to be settled", func() bool { return c.settled(s, until) })
	if len(c.tenants) > 0 {
		c.rested = until
		c.await("every slot of a stored schedule until now to be settled", func() bool { return c.settledStored(s, until) })
	}
	c.await("all runs to end", func() bool {
		return len(asked(c.t, func() ([]cron.Record, error) {
			return s.Runs(c.t.Context(), contract.Query{Statuses: []cron.Status{cron.Queued, cron.Running}, Limit: 1})
		})) == 0
	})
	c.retire(processes...)
}

// settled says whether no slot of any job is left until an instant.
func (c *crew) settled(s *store.Store, until time.Time) bool {
	c.t.Helper()
	states := c.states(s)
	for _, j := range jobSet(c.life.Jobs, nil) {
		for _, sched := range j.Schedules {
			for range sched.Between(states[j.Name].Watermark, until) {
				return false
			}
		}
	}
	return true
}

// settledStored says whether no slot of a stored schedule is left until an instant.
func (c *crew) settledStored(s *store.Store, until time.Time) bool {
	c.t.Helper()
	up := asked(c.t, func() (contract.Upcoming, error) { return s.Upcoming(c.t.Context()) })
	return up.Schedule.IsZero() || up.Schedule.After(until)
}

// pause pauses every job, or resumes it.
func (c *crew) pause(s *store.Store, on bool) {
	c.t.Helper()
	for _, j := range jobSet(c.life.Jobs, nil) {
		asked(c.t, func() (contract.State, error) {
			return s.Pause(c.t.Context(), contract.Pause{Job: j.Name, Resume: !on, At: time.Now()})
		})
	}
}

// world is what the processes did and have left behind, once all of them have ended.
func (c *crew) world(s *store.Store) *world {
	c.t.Helper()
	w := observe(c.t, s, jobSet(c.life.Jobs, nil), c.marks())
	w.settle(c.t, s, c.tenants, c.rested)
	return w
}

// inhabit has stored schedules changed until [crew.rest], by a program of its own on the database of a URL.
func (c *crew) inhabit(url, prefix string, schedules int, exprs []func(*rand.Rand) string) {
	c.t.Helper()
	if schedules == 0 {
		return
	}
	c.tenants = append(c.tenants, inhabit(c.t, c.doorTo(url), c.life.Jobs, habits{
		prefix: prefix, schedules: schedules, pace: 30 * time.Millisecond, horizon: 5 * time.Second, exprs: exprs, seed: uint64(40 + len(c.tenants)),
	}))
}
