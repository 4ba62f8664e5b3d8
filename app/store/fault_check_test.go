//go:build unix

package store_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

// mark is what a process wrote down beside the database: before it called a job's function, and
// when that had returned.
type mark struct {
	Kind     string // start, end, late, or of [telling]
	Job      string
	Schedule string // stored; empty: none
	Slot     int64  // 0: by hand
	Attempt  int
	Run      string
	Args     int // the number in them
	Life     int
	At       int64 // in µs
}

// world is a database at rest, and what the processes that used it say they did.
type world struct {
	jobs   map[string]*cron.Job
	timed  []*cron.Job  // those whose slots are looked at: they were never edited nor paused
	hurt   map[int]bool // lives that were killed or stopped; nil: who was hurt is not known
	late   map[int]bool // lives whose heartbeats came late, as on a busy machine
	rows   []row.JobRun
	states map[string]contract.State
	lives  map[string]int // by instance
	marks  []mark
	ends   map[attemptOf]mark // those of the marks that tell of an end
	file   string             // what SQLite says about the file

	tenants []*tenants            // who changed stored schedules meanwhile
	stored  []contract.Schedule   // what is left of them
	rested  int64                 // up to when every slot of them is to be settled, in ms; 0: it is not known
	skew    map[int]time.Duration // of the lives' clocks; nil: none
	absent  map[string]bool       // jobs that were not in every version of the program
	slack   time.Duration         // how long a due slot may be passed over; see [tenants.passedOver]
}

func observe(t *testing.T, s *store.Store, jobs []*cron.Job, marks []mark) *world {
	t.Helper()
	w := &world{
		jobs: map[string]*cron.Job{}, timed: jobs, late: map[int]bool{}, lives: map[string]int{}, ends: map[attemptOf]mark{}, marks: marks,
	}
	for _, j := range jobs {
		w.jobs[j.Name] = j
	}
	for _, m := range marks {
		switch m.Kind {
		case "end":
			w.ends[m.attempt()] = m
		case "late":
			w.late[m.Life] = true
		}
	}
	w.states = asked(t, func() (map[string]contract.State, error) { return s.States(t.Context()) })
	for _, i := range asked(t, func() ([]contract.InstanceInfo, error) { return s.Instances(t.Context()) }) {
		w.lives[i.ID], _ = strconv.Atoi(i.Version)
	}
	w.rows = asked(t, func() (rows []row.JobRun, err error) { return rows, s.DB().Order("seq").Find(&rows).Error })
	if s.DB().Name() != "sqlite" {
		w.file = "ok" // a server looks after its own
	} else if err := s.DB().Raw("PRAGMA integrity_check").Scan(&w.file).Error; err != nil {
		t.Fatal(err)
	}
	return w
}

// settle adds what the changes of stored schedules say, once all of them had been settled up to an instant.
func (w *world) settle(t *testing.T, s *store.Store, all []*tenants, rested time.Time) {
	t.Helper()
	w.tenants, w.rested = all, int64(row.MillisOf(rested))
	w.stored = asked(t, func() ([]contract.Schedule, error) {
		return s.StoredSchedules(t.Context(), contract.ScheduleQuery{Limit: 10_000})
	})
	slices.SortFunc(w.stored, func(a, b contract.Schedule) int { return strings.Compare(a.ID, b.ID) })
}

// clone returns a world in which things can be made wrong.
func (w *world) clone() *world {
	other := *w
	other.rows, other.marks, other.ends, other.stored = slices.Clone(w.rows), slices.Clone(w.marks), maps.Clone(w.ends), slices.Clone(w.stored)
	other.tenants = nil
	for _, d := range w.tenants {
		lives := make(map[string][]phase, len(d.lives))
		for id, phases := range d.lives {
			lives[id] = slices.Clone(phases)
		}
		other.tenants = append(other.tenants, &tenants{habits: d.habits, jobs: d.jobs, lives: lives, later: slices.Clone(d.later), count: d.count})
	}
	return &other
}

// slotOf is a slot of a job or of a stored schedule, or a run by hand.
type slotOf struct {
	job, schedule string
	at            int64
	run           string // by hand; otherwise empty
}

func slotOfRun(r *row.JobRun) slotOf {
	if !r.Slot.Valid {
		return slotOf{job: r.Job, schedule: r.Schedule, run: r.ID}
	}
	return slotOf{job: r.Job, schedule: r.Schedule, at: r.Slot.Int64}
}

func (m mark) slot() slotOf {
	if m.Slot == 0 {
		return slotOf{job: m.Job, schedule: m.Schedule, run: m.Run}
	}
	return slotOf{job: m.Job, schedule: m.Schedule, at: m.Slot}
}

type attemptOf struct {
	slotOf
	number int
}

func (m mark) attempt() attemptOf { return attemptOf{m.slot(), m.Attempt} }

func (s slotOf) String() string {
	of := s.job
	if s.schedule != "" {
		of += " by " + s.schedule
	}
	if s.run != "" {
		return fmt.Sprintf("run %s of %s", s.run, of)
	}
	return fmt.Sprintf("slot %s of %s", time.UnixMilli(s.at).UTC().Format("2006-01-02T15:04:05.000Z"), of)
}

// violations returns every breach of the guarantees G1 to G3 (package scheduler), each with the word
// that names its kind first.
func (w *world) violations() (bad []string) {
	say := func(format string, args ...any) { bad = append(bad, fmt.Sprintf(format, args...)) }
	if w.file != "ok" {
		say("damaged: the file: %s", w.file)
	}

	// Every slot has one row, and every row is of a slot.
	rows := make(map[slotOf]*row.JobRun, len(w.rows))
	for i := range w.rows {
		r := &w.rows[i]
		s := slotOfRun(r)
		if rows[s] != nil {
			say("doubled: %s has runs %s and %s", s, rows[s].ID, r.ID)
		}
		rows[s] = r
	}
	for _, j := range w.timed {
		st := w.states[j.Name]
		slots := map[int64]bool{}
		for _, sched := range j.Schedules {
			for slot := range sched.Between(st.FirstSeen, st.Watermark) {
				slots[slot.UnixMilli()] = true
			}
		}
		for slot := range slots {
			if s := (slotOf{job: j.Name, at: slot}); rows[s] == nil {
				say("missing: %s has no row", s)
			}
		}
		for s := range rows {
			if s.job == j.Name && s.schedule == "" && s.run == "" && !slots[s.at] {
				say("extra: %s has a row, and is none that is settled", s)
			}
		}
	}

	// No attempt of a slot starts twice, and none without its row.
	starts := map[attemptOf]mark{}
	for _, m := range w.marks {
		if m.Kind != "start" {
			continue
		}
		a := m.attempt()
		if first, again := starts[a]; again {
			say("twice: attempt %d of %s was started by processes %d and %d", m.Attempt, a.slotOf, first.Life, m.Life)
		}
		starts[a] = m
		if r := rows[a.slotOf]; r == nil || r.ID != m.Run || r.Attempt < m.Attempt {
			say("unrecorded: attempt %d of %s was started by process %d as run %s", m.Attempt, a.slotOf, m.Life, m.Run)
		}
	}
	for _, d := range w.tenants {
		d.violations(w, rows, say)
	}

	// Every run has ended, as its marks and its job's policies say.
	for s, r := range rows {
		p := w.jobs[s.job].Policies
		status := cron.Status(r.Status)
		var attempts []cron.Attempt
		if err := json.Unmarshal([]byte(r.Attempts.String), &attempts); r.Attempts.Valid && err != nil {
			say("unreadable: attempts of %s: %v", s, err)
		}
		if !status.Ended() {
			say("open: %s is %s for ever", s, status)
		}
		if len(attempts) != r.Attempt {
			say("untold: %s was started %d times and tells of %d: %s %s", s, r.Attempt, len(attempts), status, r.Error)
		}
		crashes := 0
		for _, a := range attempts {
			if a.EndedAt != nil {
				continue
			}
			crashes++
			if life := w.lives[a.Instance]; w.hurt != nil && !w.hurt[life] && !w.late[life] {
				say("robbed: attempt %d of %s was taken from process %d, which was well", a.Number, s, life)
			}
		}
		if crashes > 0 && p.OnCrash != cron.Rerun && status != cron.Interrupted {
			say("rerun: %s is %s after a crash, and its job says skip", s, status)
		}
		if status == cron.Interrupted && p.OnCrash == cron.Rerun && crashes <= p.MaxReruns {
			say("given up: %s was interrupted %d times, and its job says rerun: %s", s, crashes, r.Error)
		}
		last := attemptOf{s, r.Attempt}
		_, started := starts[last]
		end, ended := w.ends[last]
		switch {
		case started && !ended && status != cron.Interrupted:
			say("unended: %s is %s, and its function has not returned", s, status)
		case status == cron.Succeeded && !started:
			say("invented: %s is %s, and was never started", s, status)
		case status == cron.Succeeded && ended && int64(r.EndedAt) < end.At/1000:
			say("too early: %s ended %d ms before its function", s, end.At/1000-int64(r.EndedAt))
		}
	}
	slices.Sort(bad)
	return bad
}

// kindsOf counts violations by their first word.
func kindsOf(violations []string) map[string]int {
	n := map[string]int{}
	for _, v := range violations {
		for i, c := range v {
			if c == ':' {
				n[v[:i]]++
				break
			}
		}
	}
	return n
}

// report fails the test by what is wrong, but for a flood.
func report(t *testing.T, violations []string) {
	t.Helper()
	for i, v := range violations {
		if i == 20 {
			t.Errorf("and %d more: %v", len(violations)-i, kindsOf(violations))
			break
		}
		t.Error(v)
	}
}

// figures says what the database holds, and how much of it the faults have touched.
func (w *world) figures() string {
	var ended, interrupted, reruns int
	for _, r := range w.rows {
		if cron.Status(r.Status).Ended() {
			ended++
		}
		if r.Status == string(cron.Interrupted) {
			interrupted++
		}
		if r.Attempt > 1 && w.jobs[r.Job].Policies.OnCrash == cron.Rerun && w.jobs[r.Job].Policies.Retries == 0 {
			reruns++
		}
	}
	slots := 0
	for _, j := range w.timed {
		for _, s := range j.Schedules {
			for range s.Between(w.states[j.Name].FirstSeen, w.states[j.Name].Watermark) {
				slots++
			}
		}
	}
	for _, d := range w.tenants {
		slots += d.figures(w).slots
	}
	found := kindsOf(w.violations())
	text := fmt.Sprintf("%d slots, %d rows (%d ended), %d missing, %d doubled, %d started twice, %d interrupted, %d rerun",
		slots, len(w.rows), ended, found["missing"], found["doubled"], found["twice"], interrupted, reruns)
	for _, d := range w.tenants {
		text += "; " + d.figures(w).String()
	}
	if len(w.late) > 0 {
		text += fmt.Sprintf("; %d processes were late with their heartbeats", len(w.late))
	}
	return text
}
