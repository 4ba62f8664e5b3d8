//go:build unix

package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/store/row"
)

// Each safeguard is taken away from schedulers at work, and the suites' check must see it. The same
// goings-on with all safeguards are no breach: so it is the safeguard that the check has missed.
func TestFaultAblation(t *testing.T) {
	const long = 30 * time.Second
	for _, tt := range []struct {
		name  string
		off   []string
		lease time.Duration
		hosts int
		do    func(*fleet)
		want  []string // one of these kinds of violations
	}{
		// On one file transactions follow one another, and each sees the watermark of the one
		// before: unlike elsewhere it would do without the index. So both go.
		{"unique index", []string{"unique index", "watermark"}, long, 2, undisturbed, []string{"doubled", "twice"}},
		{"watermark", []string{"watermark"}, long, 2, forgotten, []string{"twice"}},
		{"token", []string{"token"}, 600 * time.Millisecond, 2, (*fleet).relieve, []string{"too early", "untold", "unended"}},
		{"lease", []string{"lease"}, 900 * time.Millisecond, 2, undisturbed, []string{"robbed"}},
		// Of stored schedules and deferred runs:
		{"the schedule in the unique index", []string{"the schedule in the unique index"}, long, 2, inhabited, []string{"unsettled", "missing"}},
		{"watermark of schedules", []string{"watermark of schedules"}, long, 2, inhabitedAndForgotten, []string{"twice"}},
		// What becomes of these with all safeguards is what became of the first.
		{"revision", []string{"revision"}, long, 2, inhabited, []string{"extra"}},
		{"time of deferred runs", []string{"time of deferred runs"}, long, 2, inhabited, []string{"early"}},
	} {
		for _, off := range []bool{false, true} {
			if !off && (tt.name == "revision" || tt.name == "time of deferred runs") {
				continue
			}
			name := tt.name + map[bool]string{false: "/on", true: "/off"}[off]
			t.Run(name, func(t *testing.T) {
				crontest.Bubble(t, func(t *testing.T) {
					var gone []string
					if off {
						gone = tt.off
					}
					f := newFleet(t, tt.lease, tt.hosts, gone...)
					tt.do(f)
					w := f.rest()
					violations := w.violations()
					seen := slices.ContainsFunc(violations, func(v string) bool {
						return slices.ContainsFunc(tt.want, func(kind string) bool { return strings.HasPrefix(v, kind+":") })
					})
					if !off && seen {
						report(t, violations)
					}
					if off && !seen {
						t.Errorf("the check sees nothing of %v without the %s: %v", tt.want, tt.name, kindsOf(violations))
					}
					t.Logf("%s: %d rows, %d marks; violations: %v", name, len(w.rows), len(w.marks), kindsOf(violations))
				})
			})
		}
	}
}

// undisturbed has the hosts work side by side.
func undisturbed(*fleet) { time.Sleep(700 * time.Millisecond) }

// inhabited has the hosts work side by side while stored schedules are changed.
func inhabited(f *fleet) {
	f.inhabit(20)
	time.Sleep(1100 * time.Millisecond) // what is due is read once a second
}

// inhabitedAndForgotten is forgotten while stored schedules are changed.
func inhabitedAndForgotten(f *fleet) {
	inhabited(f)
	for range 3 { // in one of these times the host does not read anew what is due
		forgotten(f)
	}
}

// forgotten has a host away while another goes on, and the history of that time pruned.
func forgotten(f *fleet) {
	away := f.hosts[0]
	f.leave(away)
	time.Sleep(500 * time.Millisecond)
	for _, j := range jobSet(fleetJobs, nil) {
		if _, err := f.door.Prune(f.t.Context(), contract.Prune{Job: j.Name, Cutoff: time.Now(), Limit: 10_000}); err != nil {
			f.t.Fatal(err)
		}
	}
	away.comeBack()
	time.Sleep(300 * time.Millisecond)
}

// The check itself is put to the test: a sound world, with one thing wrong at a time.
func TestFaultCheckSeesEachBreach(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		f := newFleet(t, 600*time.Millisecond, 2)
		f.inhabit(40)
		f.relieve()
		time.Sleep(time.Second)
		sound := f.rest()
		sound.slack = 2 * time.Second
		report(t, sound.violations())
		t.Log(sound.figures())
		for kind, harm := range breaches(t) {
			w := sound.clone()
			harm(w)
			word, _, _ := strings.Cut(kind, " (")
			if found := kindsOf(w.violations()); found[word] == 0 {
				t.Errorf("%s: not seen, but %v", kind, found)
			}
		}
	})
}

// breaches make a sound world one with violations of the kind that names them; what stands in parentheses is a note.
func breaches(t *testing.T) map[string]func(*world) {
	// row finds a run.
	rowOf := func(w *world, job string, status cron.Status) *row.JobRun {
		t.Helper()
		i := slices.IndexFunc(w.rows, func(r row.JobRun) bool { return r.Job == job && r.Status == string(status) })
		if i < 0 {
			t.Fatalf("no run of %s is %s in the sound world", job, status)
		}
		return &w.rows[i]
	}
	// stored finds the run of a stored schedule.
	stored := func(w *world, status cron.Status, reason cron.Reason) int {
		t.Helper()
		i := slices.IndexFunc(w.rows, func(r row.JobRun) bool {
			return r.Schedule != "" && r.Slot.Valid && r.Status == string(status) && r.Reason == string(reason) && int64(r.QueuedAt) < w.rested
		})
		if i < 0 {
			t.Fatalf("no run of a stored schedule is %s %s in the sound world", status, reason)
		}
		return i
	}
	deferred := func(w *world) (*deferral, int) {
		later := w.tenants[0].later
		i := slices.IndexFunc(later, func(p deferral) bool { return !p.cancelling })
		return &later[i], slices.IndexFunc(w.rows, func(r row.JobRun) bool { return r.ID == later[i].id })
	}
	return map[string]func(*world){
		"missing": func(w *world) { w.rows = slices.Delete(w.rows, 3, 4) },
		"doubled": func(w *world) { w.rows = append(w.rows, w.rows[3]) },
		"extra": func(w *world) {
			r := w.rows[3]
			r.Slot.Int64++
			w.rows = append(w.rows, r)
		},
		"twice":      func(w *world) { w.marks = append(w.marks, w.marks[0]) },
		"unrecorded": func(w *world) { w.marks[0].Attempt += 5 },
		"unreadable": func(w *world) { rowOf(w, "fast-skip", cron.Succeeded).Attempts.String = "[" },
		"open":       func(w *world) { rowOf(w, "fast-skip", cron.Succeeded).Status = string(cron.Queued) },
		"untold":     func(w *world) { rowOf(w, "fast-skip", cron.Succeeded).Attempt++ },
		"robbed":     func(w *world) { w.hurt = map[int]bool{} },
		"rerun":      func(w *world) { rowOf(w, "long-skip", cron.Interrupted).Status = string(cron.Succeeded) },
		"given up":   func(w *world) { rowOf(w, "long-rerun", cron.Succeeded).Status = string(cron.Interrupted) },
		"unended":    func(w *world) { clear(w.ends) },
		"invented":   func(w *world) { w.marks = nil },
		"too early":  func(w *world) { rowOf(w, "fast-skip", cron.Succeeded).EndedAt -= 10_000 },
		"missing (stored)": func(w *world) {
			i := stored(w, cron.Succeeded, "")
			w.rows = slices.Delete(w.rows, i, i+1)
		},
		"extra (stored)": func(w *world) {
			r := w.rows[stored(w, cron.Succeeded, "")]
			r.Slot.Int64++
			w.rows = append(w.rows, r)
		},
		"stale": func(w *world) { w.rows[stored(w, cron.Succeeded, "")].Args.String = `{"n":-5}` },
		"stale (marked)": func(w *world) {
			w.marks[slices.IndexFunc(w.marks, func(m mark) bool { return m.Kind == "start" && m.Schedule != "" && m.Slot != 0 })].Args = -5
		},
		"halted": func(w *world) {
			d := w.tenants[0]
			r := &w.rows[slices.IndexFunc(w.rows, func(r row.JobRun) bool {
				return r.Schedule != "" && r.Slot.Valid && r.Status == string(cron.Succeeded) && r.Slot.Int64 <= d.lives[r.Schedule][0].settled
			})]
			r.Status, r.Reason = string(cron.Skipped), string(cron.ReasonPaused)
		},
		"paused": func(w *world) {
			w.slack = 0
			w.rows[stored(w, cron.Skipped, cron.ReasonPaused)].Status = string(cron.Succeeded)
		},
		"forgotten":  func(w *world) { w.stored[0].Revision++ },
		"miscounted": func(w *world) { w.stored[0].Runs++ },
		"unsettled":  func(w *world) { w.rested += 60_000 },
		"lost": func(w *world) {
			_, i := deferred(w)
			w.rows = slices.Delete(w.rows, i, i+1)
		},
		"lost (not run)":   func(w *world) { _, i := deferred(w); w.rows[i].Attempt = 0 },
		"undead":           func(w *world) { p, _ := deferred(w); p.cancelled = true },
		"early":            func(w *world) { w.skew = map[int]time.Duration{1: time.Hour, 2: time.Hour} },
		"stale (deferred)": func(w *world) { p, _ := deferred(w); p.args++ },
		"passed over": func(w *world) {
			for _, phases := range w.tenants[0].lives {
				for i := range phases {
					if phases[i].asked != 0 {
						phases[i].asked += 3000
					}
				}
			}
		},
		"damaged": func(w *world) { w.file = "row 1 missing from index" },
	}
}
