package store

import (
	"errors"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store/db"
)

// Most writes are starts that wait for nothing and ends that went well. Their runs need not be
// read before: the statements that write them check the fence. They are carried out before
// anything is read, so that claims of the same group see them. If one of the rows does not fit its
// fence, the group is carried out again, and all runs are read.
//
// This needs a database on which only one transaction writes at a time, and a group without
// other kinds of ops, which might have come between.

// errLook means that the runs have to be read.
var errLook = errors.New("a row does not fit its fence")

// quick carries out those of the group whose runs need not be read, and returns them.
func (t *txn) quick(group []*op) (done map[*op]bool) {
	var ends []*contract.Finish
	var starts []*contract.Start
	t.claimsOnly = true
	done = make(map[*op]bool, len(group))
	for _, o := range group {
		switch {
		case o.finish != nil && uneventful(o.finish):
			ends = append(ends, o.finish)
		case o.start != nil && !o.start.Serial && !limited(o.start) && o.start.Instance == "":
			starts = append(starts, o.start)
		case o.kind == "claim":
			continue
		case o.finish != nil || o.start != nil:
			t.claimsOnly = false
			continue
		default: // it may do anything
			t.claimsOnly = false
			clear(done)
			return done
		}
		done[o] = true
	}
	t.quickEnds(ends)
	t.quickStarts(starts)
	for o := range done {
		o.err = nil
		if o.start != nil {
			o.outcome = contract.StartOutcome{Started: true}
		}
	}
	return done
}

// limited reports whether the runs of a group are limited.
func limited(st *contract.Start) bool { return st.Group != "" && st.GroupLimit > 0 }

// uneventful reports whether a run succeeded, and there is nothing else to record of it.
func uneventful(f *contract.Finish) bool {
	return f.Status == cron.Succeeded && f.Reason == "" && f.Error == "" && f.Stack == "" &&
		f.Result == nil && f.Progress == nil && !f.Release && f.Attempt == 0 && f.Job != "" && !f.Started.IsZero()
}

func (t *txn) quickEnds(ends []*contract.Finish) {
	quickBatch(t.session, ends, &t.sql.QuickEnd, func(f *contract.Finish, args []any) []any {
		return append(args, f.ID, f.At.UnixMilli(), f.Started.UnixMilli(), attempts(f), f.Token)
	})
	for _, f := range ends {
		r := &run{id: f.ID, source: source{f.Job, f.Schedule}, hand: f.Slot.IsZero(), status: f.Status, startedAt: f.Started.UnixMilli()}
		if !r.hand {
			r.slot = f.Slot.UnixMilli()
		}
		t.noteOutcome(r, "", f.At.UnixMilli())
		for _, l := range f.Lines {
			t.lines = append(t.lines, line{f.ID, l})
		}
	}
}

func (t *txn) quickStarts(starts []*contract.Start) {
	quickBatch(t.session, starts, &t.sql.QuickStart, func(s *contract.Start, args []any) []any {
		return append(args, s.ID, s.At.UnixMilli(), t.now+s.Lease.Milliseconds(), s.Token)
	})
}

// quickBatch is batch, and fails with errLook if a row did not fit its fence.
func quickBatch[R any](t *session, rows []R, v *db.Values, args func(R, []any) []any) {
	eachBatch(t, rows, updateRows, v, args, nil, func(query string, all []any, rows int) {
		res, err := t.tx.ExecContext(t.ctx, query, all...)
		if err != nil {
			t.fail(err)
			return
		}
		if n, err := res.RowsAffected(); err != nil || n != int64(rows) {
			t.fail(errors.Join(errLook, err))
		}
	})
}
