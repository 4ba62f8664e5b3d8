package store

import (
	"database/sql"
	"fmt"
	"slices"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
)

// On a database where others commit at the same time, a transaction locks what a decision rests on before it reads it,
// and always in this order, so that transactions wait for each other and not in a circle:
//
//   - the rows of job_state, by name: a claim, a serial start, an end, a take, a pause, an
//     override and a prune lock that of their job. The watermark, the pause, which runs are
//     active and what is counted change only under it.
//   - the rows of job_schedules, by ID: the same for a stored schedule, and whoever changes it. A claim of its slot
//     locks it instead of its job, whose pause it reads without a lock.
//   - the rows of job_groups, by name: who starts a run of a limited group.
//   - the rows of job_runs, by ID: whoever starts, ends, takes, cancels or notes a run.
//
// Every statement sees what was committed when it began (read committed), and so what is
// read after a lock was taken includes what its last holder wrote.

// lock takes the locks that the ops of the group need, except those of runs.
func (t *txn) lock(n *needs) {
	if t.sql.Locks == nil {
		return
	}
	var serial []string // stored schedules
	for _, s := range n.serial {
		if s.schedule == "" {
			n.jobs = append(n.jobs, s.job)
		} else {
			serial = append(serial, s.schedule)
		}
	}
	t.readWatermarks(n)
	open, now := t.openJobs(n)
	waitFor := unique(slices.Concat(n.jobs, n.known, now))
	t.lockStates(&t.sql.Locks.States, waitFor)
	t.lockStates(&t.sql.Locks.FreeStates, slices.DeleteFunc(slices.Clone(open), func(job string) bool {
		_, waitedFor := slices.BinarySearch(waitFor, job)
		return waitedFor
	}))
	var missing []string
	for _, job := range unique(slices.Concat(n.known, open)) {
		if _, there := t.states[job]; there {
			continue
		}
		if _, waitedFor := slices.BinarySearch(waitFor, job); !waitedFor && t.marks[job] != nil {
			t.taken[source{job: job}] = true
		} else {
			missing = append(missing, job)
		}
	}
	if len(missing) > 0 {
		t.createStates(missing, n.seen)
		t.lockStates(&t.sql.Locks.States, missing)
		for _, job := range missing {
			if _, there := t.states[job]; !there {
				t.fail(fmt.Errorf("job %q: its name collides with another job's under this database's collation; rename one of them", job))
			}
		}
	}
	t.createLoose(n)
	groups := append(unique(slices.Clone(n.groups)), t.lockStored(n, serial)...)
	for _, c := range n.claims {
		if c.Group != "" && c.Status == cron.Running && t.open(c) {
			groups = append(groups, c.Group)
		}
	}
	t.lockGroups(unique(groups))
}

// open reports whether this transaction decides about the claim.
func (t *txn) open(c *contract.Claim) bool {
	if c.Schedule == "" {
		s := t.states[c.Job]
		return s != nil && s.locked
	}
	g := t.stored[c.Schedule]
	return g != nil && g.locked || c.Slot.IsZero()
}

// createLoose makes the states of jobs that only claims have which do not lock them.
func (t *txn) createLoose(n *needs) {
	var jobs []string
	for _, c := range n.claims {
		if t.states[c.Job] == nil && t.marks[c.Job] == nil && !t.users {
			jobs = append(jobs, c.Job)
		}
	}
	if jobs = unique(jobs); len(jobs) == 0 {
		return
	}
	created := t.created
	t.createStates(jobs, 0)
	t.created = created
	for _, job := range jobs {
		t.states[job] = &jobState{known: true}
	}
}

// lockStored locks stored schedules as lock does jobs. It returns the names of groups to lock in place of those that
// do not exist, although a run of theirs may be the only one.
func (t *txn) lockStored(n *needs, serial []string) (instead []string) {
	var wait, open []string
	marks := t.readScheduleMarks(n)
	for i, c := range n.claims {
		mark, known := marks[c.Schedule]
		switch {
		case c.Schedule == "" || deferred(c):
		case c.Slot.IsZero():
			serial = append(serial, c.Schedule)
		case !known || lost(t.rules, c, mark) || t.now != 0 && c.Slot.UnixMilli() > t.now:
		case n.tries[i] >= maxPutOffs:
			wait = append(wait, c.Schedule)
		default:
			open = append(open, c.Schedule)
		}
	}
	t.readStored(&t.sql.Locks.Schedules, unique(slices.Concat(wait, n.stored, serial)))
	open = slices.DeleteFunc(unique(open), func(id string) bool { return t.stored[id] != nil })
	t.readStored(&t.sql.Locks.FreeSchedules, open)
	for _, id := range open {
		if t.stored[id] == nil {
			t.taken[source{schedule: id}] = true
		}
	}
	for id, mark := range marks {
		if t.stored[id] == nil {
			t.stored[id] = &storedSchedule{watermark: mark, known: true}
		}
	}
	for _, id := range serial {
		if t.stored[id] == nil {
			instead = append(instead, "\x1f"+id)
		}
	}
	return instead
}

// readScheduleMarks reads the watermarks of the stored schedules that are claimed, without a lock.
func (t *txn) readScheduleMarks(n *needs) map[string]int64 {
	var ids []string
	for _, c := range n.claims {
		if c.Schedule != "" && !c.Slot.IsZero() {
			ids = append(ids, c.Schedule)
		}
	}
	marks := make(map[string]int64, len(ids))
	t.each(&t.sql.Locks.ScheduleMarks, db.Args(unique(ids)), 1, func(rows *sql.Rows) error {
		var id string
		var mark int64
		err := rows.Scan(&id, &mark, &t.now)
		marks[id] = mark
		return err
	})
	return marks
}

func (t *txn) readStored(v *db.Values, ids []string) {
	t.each(v, db.Args(ids), 1, func(rows *sql.Rows) error {
		var id string
		g := storedSchedule{known: true, locked: true, busy: true}
		err := rows.Scan(append(append([]any{&id}, g.fields()...), &t.now)...)
		t.stored[id] = &g
		return err
	})
}

// lost reports whether there is nothing to decide about the claim of a slot.
func lost(rules rules, c *contract.Claim, mark int64) bool {
	return rules.passed(c, mark) && (c.Watermark.IsZero() || c.Watermark.UnixMilli() <= mark)
}

// readWatermarks reads the states of the jobs that are claimed, without a lock.
func (t *txn) readWatermarks(n *needs) {
	var jobs []string
	for _, c := range n.claims {
		jobs = append(jobs, c.Job)
	}
	t.marks = make(map[string]*jobState)
	t.each(&t.sql.Locks.Watermarks, db.Args(unique(jobs)), 1, func(rows *sql.Rows) error {
		var name string
		s := jobState{known: true}
		err := rows.Scan(append(append([]any{&name}, s.fields()...), &t.now)...)
		t.marks[name] = &s
		return err
	})
}

// openJobs are the jobs among the claims about which there is something to decide. Where another
// process was first there is nothing: a watermark never goes back, so no lock is needed to see
// that a slot is lost. Where another process has the lock, it will most likely be first, and the claim
// is put off instead of waiting: of ten processes that tick at the same instant, nine find
// their slots lost without a lock. The jobs in now were put off often enough, and wait.
func (t *txn) openJobs(n *needs) (open, now []string) {
	for i, c := range n.claims {
		mark := t.marks[c.Job]
		if c.Schedule != "" || deferred(c) || mark != nil && !c.Slot.IsZero() && lost(t.rules, c, mark.watermark) || t.early(c) {
			continue
		}
		open = append(open, c.Job)
		if n.tries[i] >= maxPutOffs || c.Slot.IsZero() {
			now = append(now, c.Job)
		}
	}
	open, now = unique(open), unique(now)
	for job, mark := range t.marks {
		if _, locked := slices.BinarySearch(open, job); !locked {
			t.states[job] = mark
		}
	}
	return open, now
}

// maxPutOffs is how often claims are put off before they wait for a lock.
const maxPutOffs = 3

// putOff reports whether the claims are to be carried out later, because another process has locked one of their jobs.
func (t *txn) putOff(claims []contract.Claim) bool {
	if len(t.taken) == 0 {
		return false
	}
	for i := range claims {
		c := &claims[i]
		if c.Schedule == "" && t.taken[source{job: c.Job}] || c.Schedule != "" && t.taken[source{schedule: c.Schedule}] {
			return true
		}
	}
	return false
}

func (t *txn) lockStates(v *db.Values, jobs []string) {
	t.each(v, db.Args(jobs), 1, func(rows *sql.Rows) error {
		var name string
		s := jobState{known: true, locked: true, busy: true} // it may be busy; active runs are read after the lock
		err := rows.Scan(append(append([]any{&name}, s.fields()...), &t.now)...)
		t.states[name] = &s
		return err
	})
}

// createStates makes the states of jobs, first seen at seen, but no later than now by the
// database's clock: for a process whose clock is fast they would begin after their first slots.
func (t *txn) createStates(jobs []string, seen int64) {
	t.clock()
	if seen == 0 || seen > t.now {
		seen = t.now
	}
	t.created = seen
	batch(t.session, jobs, updateRows, &t.sql.Locks.Create, func(job string, args []any) []any { return append(args, job, seen) })
}

// lockGroups locks the rows of groups, and makes those that are missing.
func (t *txn) lockGroups(groups []string) {
	got := make(map[string]bool, len(groups))
	read := func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		got[name] = true
		return err
	}
	t.each(&t.sql.Locks.Groups, db.Args(groups), 1, read)
	if missing := slices.DeleteFunc(groups, func(g string) bool { return got[g] }); len(missing) > 0 {
		batch(t.session, missing, updateRows, &t.sql.Locks.CreateGroups, func(g string, args []any) []any { return append(args, g) })
		t.each(&t.sql.Locks.Groups, db.Args(missing), 1, read)
	}
}

// early reports whether the slot lies ahead of the database's clock, which every process shares. Then this process's
// clock is fast. A job stays unlocked if all its slots are settled or early; a slot that became due while the
// transaction waited for other locks is still early then. A database without a clock of its own cannot tell.
func (t *txn) early(c *contract.Claim) bool {
	if t.sql.Locks == nil || c.Slot.IsZero() {
		return false
	}
	if t.now != 0 && c.Slot.UnixMilli() > t.now {
		return true
	}
	if c.Schedule != "" {
		g := t.stored[c.Schedule]
		return g != nil && g.known && !g.locked
	}
	s := t.states[c.Job]
	return s != nil && !s.locked
}

// idle reports whether there is nothing to commit but locks.
func (t *txn) idle() bool { return t.sql.Locks != nil && !t.wrote }
