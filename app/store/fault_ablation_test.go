//go:build fault && unix

package store_test

import (
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/models"
)

// Each safeguard is taken away from real processes, and the suites' check must see it. The same
// goings-on with all safeguards are no breach: so it is the safeguard that the check has missed.
func TestFaultAblation(t *testing.T) {
	for _, tt := range []struct {
		name string
		off  []string
		do   func(*crew) *world
		want []string // one of these kinds of violations
	}{
		// On one file transactions follow one another, and each sees the watermark of the one
		// before: unlike elsewhere it would do without the index. So both go.
		{"unique index", []string{"unique index", "watermark"}, undisturbed, []string{"doubled", "twice"}},
		{"watermark", []string{"watermark"}, forgotten, []string{"twice"}},
		{"token", []string{"token"}, relieved, []string{"twice", "too early", "untold", "unended"}},
		{"lease", []string{"lease"}, undisturbed, []string{"robbed"}},
	} {
		for _, off := range []bool{false, true} {
			name := tt.name + map[bool]string{false: "/on", true: "/off"}[off]
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				told := life{Jobs: "slow", Lease: 30 * time.Second}
				switch tt.name {
				case "token": // the other process has to take over
					told.Lease = time.Second
				case "lease": // and here to look for what it could take
					told.Lease = 3 * time.Second
				}
				if off {
					told.Ablate = tt.off
				}
				c := newCrew(t, told)
				if off && slices.Contains(tt.off, "unique index") {
					door := c.door()
					if err := door.Exec("DROP INDEX job_runs_slot"); err != nil {
						t.Fatal(err)
					}
					door.Close()
				}
				violations := tt.do(c).violations()
				seen := slices.ContainsFunc(violations, func(v string) bool {
					return slices.ContainsFunc(tt.want, func(kind string) bool { return strings.HasPrefix(v, kind+":") })
				})
				if !off && seen {
					report(t, violations)
				}
				if off && !seen {
					t.Errorf("the check sees nothing of %v without the %s: %v", tt.want, tt.name, kinds(violations))
				}
				t.Logf("violations: %v", kinds(violations))
			})
		}
	}
}

// undisturbed has three processes work side by side.
func undisturbed(c *crew) *world {
	all := []*process{c.start(), c.start(), c.start()}
	c.awaitWork(all...)
	time.Sleep(2 * time.Second)
	c.finish(all...)
	w := c.world(c.look())
	w.hurt = map[int]bool{}
	return w
}

// forgotten has a process away while another goes on, and the history of that time pruned.
func forgotten(c *crew) *world {
	away, other := c.start(), c.start()
	c.awaitWork(away, other)
	door := c.door()
	c.await("the process to be stopped between two transactions", func() bool {
		away.signal(syscall.SIGSTOP)
		if unlocked(door) {
			return true
		}
		away.signal(syscall.SIGCONT)
		return false
	})
	time.Sleep(2 * time.Second)
	for _, j := range jobSet(c.life.Jobs, nil) {
		if _, err := door.Prune(c.t.Context(), j.Name, 0, time.Now(), 10_000); err != nil {
			c.t.Fatal(err)
		}
	}
	away.signal(syscall.SIGCONT)
	c.awaitWork(away)
	c.finish(away, other)
	return c.world(c.look())
}

// relieved has a process stopped until another has begun one of its runs anew, and go on then.
func relieved(c *crew) *world {
	sleeper, other := c.start(), c.start()
	c.awaitWork(sleeper, other)
	s, door := c.look(), c.door()
	rerun := func(of map[string]models.JobRun) bool {
		for id := range c.find(s, "job = 'long-rerun' AND status = 'running' AND attempt = 2") {
			if r, ok := of[id]; ok && cron.Status(r.Status) == cron.Running {
				return true
			}
		}
		return false
	}
	var mine map[string]models.JobRun
	c.await("the process to be stopped at a run and between two transactions", func() bool {
		sleeper.signal(syscall.SIGSTOP)
		mine = c.active(s, sleeper)
		for _, r := range mine {
			if r.Job == "long-rerun" && cron.Status(r.Status) == cron.Running && unlocked(door) {
				return true
			}
		}
		sleeper.signal(syscall.SIGCONT)
		time.Sleep(50 * time.Millisecond)
		return false
	})
	c.await("another process to begin its run anew", func() bool { return rerun(mine) })
	sleeper.signal(syscall.SIGCONT)
	c.awaitWork(sleeper)
	c.finish(sleeper, other)
	return c.world(c.look())
}

// finish is rest for processes that may be so far gone that they never come to rest.
func (c *crew) finish(processes ...*process) {
	c.t.Helper()
	door := c.door()
	defer door.Close()
	c.pause(door, true)
	for range 300 {
		if len(c.find(door, "ended_at IS NULL")) == 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, p := range processes {
		p.signal(syscall.SIGTERM)
	}
	for _, p := range processes {
		select {
		case <-p.ended:
		case <-time.After(20 * time.Second):
			p.kill()
		}
	}
}

// The check itself is put to the test: a sound world, with one thing wrong at a time.
func TestFaultCheckSeesEachBreach(t *testing.T) {
	c := newCrew(t, life{Jobs: "points", Lease: 2 * time.Second})
	p := c.start()
	c.awaitWork(p)
	time.Sleep(500 * time.Millisecond)
	p.kill()
	q := c.start()
	c.awaitWork(q)
	c.rest(q)
	s := c.look()
	sound := func() *world {
		w := c.world(s)
		w.hurt = map[int]bool{p.number: true}
		return w
	}
	report(t, sound().violations())

	// row returns a run that fits, and its number.
	row := func(w *world, fits func(models.JobRun) bool) int {
		i := slices.IndexFunc(w.rows, fits)
		if i < 0 {
			t.Fatal("no such run in the sound world")
		}
		return i
	}
	of := func(job string, status cron.Status) func(models.JobRun) bool {
		return func(r models.JobRun) bool { return r.Job == job && r.Status == string(status) }
	}
	for kind, harm := range map[string]func(*world){
		"missing": func(w *world) { w.rows = slices.Delete(w.rows, 3, 4) },
		"doubled": func(w *world) { w.rows = append(w.rows, w.rows[3]) },
		"extra": func(w *world) {
			r := w.rows[3]
			r.Slot.Int64++
			w.rows = append(w.rows, r)
		},
		"twice":      func(w *world) { w.marks = append(w.marks, w.marks[0]) },
		"unrecorded": func(w *world) { w.marks[0].Attempt += 5 },
		"open":       func(w *world) { w.rows[row(w, of("fast-skip", cron.Succeeded))].Status = string(cron.Queued) },
		"untold":     func(w *world) { w.rows[row(w, of("fast-skip", cron.Succeeded))].Attempt++ },
		"robbed":     func(w *world) { w.hurt = map[int]bool{} },
		"rerun":      func(w *world) { w.rows[row(w, of("long-skip", cron.Interrupted))].Status = string(cron.Succeeded) },
		"given up": func(w *world) {
			w.rows[row(w, of("long-rerun", cron.Succeeded))].Status = string(cron.Interrupted)
		},
		"unended":  func(w *world) { clear(w.ends) },
		"invented": func(w *world) { w.marks = nil },
		"too early": func(w *world) {
			w.rows[row(w, of("fast-skip", cron.Succeeded))].EndedAt -= 10_000
		},
		"damaged": func(w *world) { w.file = "row 1 missing from index" },
	} {
		w := sound()
		harm(w)
		if found := kinds(w.violations()); found[kind] == 0 {
			t.Errorf("%s: not seen, but %v", kind, found)
		}
	}
}
