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
	n.jobs = append(n.jobs, n.serial...)
	marks := t.readWatermarks(n)
	open, now := t.openJobs(n, marks)
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
		if _, waitedFor := slices.BinarySearch(waitFor, job); !waitedFor && has(marks, job) {
			t.taken[job] = true
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
	groups := unique(slices.Clone(n.groups))
	for _, c := range n.claims {
		if c.Group != "" && c.Status == cron.Running && slices.Contains(open, c.Job) {
			groups = append(groups, c.Group)
		}
	}
	t.lockGroups(unique(groups))
}

// readWatermarks reads the watermarks of the jobs that are claimed, without a lock.
func (t *txn) readWatermarks(n *needs) map[string]int64 {
	var jobs []string
	for _, c := range n.claims {
		jobs = append(jobs, c.Job)
	}
	marks := make(map[string]int64)
	t.each(&t.sql.Locks.Watermarks, db.Args(unique(jobs)), 1, func(rows *sql.Rows) error {
		var name string
		var mark int64
		err := rows.Scan(&name, &mark, &t.now)
		marks[name] = mark
		return err
	})
	return marks
}

// openJobs are the jobs among the claims about which there is something to decide. Where another
// process was first there is nothing: a watermark never goes back, so no lock is needed to see
// that a slot is lost. Where another process has the lock, it will most likely be first, and the claim
// is put off instead of waiting: of ten processes that tick at the same instant, nine find
// their slots lost without a lock. The jobs in now were put off often enough, and wait.
func (t *txn) openJobs(n *needs, marks map[string]int64) (open, now []string) {
	for i, c := range n.claims {
		mark, known := marks[c.Job]
		settled := known && !c.Slot.IsZero() && t.rules.settled(c.Slot.UnixMilli(), mark) &&
			(c.Watermark.IsZero() || c.Watermark.UnixMilli() <= mark)
		if settled || t.early(c) {
			continue
		}
		open = append(open, c.Job)
		if n.tries[i] >= maxPutOffs || c.Slot.IsZero() {
			now = append(now, c.Job)
		}
	}
	open, now = unique(open), unique(now)
	for job, mark := range marks {
		if _, locked := slices.BinarySearch(open, job); !locked {
			t.states[job] = &jobState{watermark: mark, known: true}
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
		if t.taken[claims[i].Job] {
			return true
		}
	}
	return false
}

func (t *txn) lockStates(v *db.Values, jobs []string) {
	t.each(v, db.Args(jobs), 1, func(rows *sql.Rows) error {
		var name string
		var s jobState
		err := rows.Scan(&name, &s.watermark, &s.paused, &s.pausedUntil, &s.generation, &s.overrideAt, &t.now)
		s.known, s.locked, s.busy = true, true, true // busy: it may be; active runs are read after the lock
		t.states[name] = &s
		return err
	})
}

func has(marks map[string]int64, job string) bool {
	_, there := marks[job]
	return there
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
	s := t.states[c.Job]
	return t.now != 0 && c.Slot.UnixMilli() > t.now || s != nil && !s.locked
}

// idle reports whether there is nothing to commit but locks.
func (t *txn) idle() bool { return t.sql.Locks != nil && !t.wrote }
