//go:build unix

package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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
	} {
		for _, off := range []bool{false, true} {
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

// forgotten has a host away while another goes on, and the history of that time pruned.
func forgotten(f *fleet) {
	away := f.hosts[0]
	f.leave(away)
	time.Sleep(500 * time.Millisecond)
	for _, j := range jobSet(fleetJobs, nil) {
		if _, err := f.door.Prune(f.t.Context(), j.Name, 0, time.Now(), 10_000); err != nil {
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
		f.relieve()
		sound := f.rest()
		report(t, sound.violations())
		t.Log(sound.figures())
		for kind, harm := range breaches(t) {
			w := sound.clone()
			harm(w)
			if found := kindsOf(w.violations()); found[kind] == 0 {
				t.Errorf("%s: not seen, but %v", kind, found)
			}
		}
	})
}

// breaches make a sound world one with violations of the kind that names them.
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
		"damaged":    func(w *world) { w.file = "row 1 missing from index" },
	}
}
