package store

import (
	"context"
	"errors"
	"time"

	"fibercrons/app/store/db"
)

// committer carries ops out in transactions.
type committer struct {
	db       *db.Database
	rules    rules
	retryFor time.Duration
	tamper   func(point string, group []*op) error // tests only: fails where it likes
	edit     func(query string) string             // tests only: hears of statements, and changes them
}

// commit carries the group out, and again for retryFor while the reason for failing may pass.
func (c *committer) commit(group []*op) {
	var (
		deadline = time.Now().Add(c.retryFor)
		pause    = 5 * time.Millisecond
		careful  = 0 // how often another process was first
		quick    = true
	)
	for {
		err := c.attempt(group, careful > 0, quick)
		if err == nil {
			return
		}
		if quick && errors.Is(err, errLook) {
			quick = false
			continue
		}
		again := false
		class := c.db.Class(err)
		switch class {
		case db.Locked:
			c.db.Blocked()
			if time.Now().Before(deadline) && awaited(group) {
				continue
			}
		case db.Transient:
			again = time.Now().Before(deadline) && awaited(group)
		case db.Duplicate:
			// Another process was first. A careful attempt reads before it inserts, and so does not
			// meet the same duplicate again, but may meet another.
			careful++
			again, pause = careful <= carefulMost, 0
		}
		if again {
			rest(group, pause)
			pause = min(2*max(pause, 5*time.Millisecond), 250*time.Millisecond)
			continue
		}
		if (class == db.Other || class == db.Duplicate) && len(group) > 1 && awaited(group) {
			// One op is at fault, and the others are not.
			for _, o := range group {
				c.commit([]*op{o})
			}
			return
		}
		err = c.db.ExplainWrite(err)
		for _, o := range group {
			o.err, o.refused, o.later = err, true, false
		}
		return
	}
}

// carefulMost is how often a group is carried out again because another process was first.
const carefulMost = 5

// attempt carries the group out in one transaction.
func (c *committer) attempt(group []*op, careful, quick bool) error {
	if err := c.at("begin", group); err != nil {
		return err
	}
	ctx, cancel := c.db.WithTimeout(context.Background()) // a group is not one caller's to break off
	defer cancel()
	tx, err := c.db.Begin(ctx, c.edit)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit it only says so
	t := newTxn(&session{ctx: ctx, db: c.db, tx: tx, sql: c.db.Statements()}, c.rules)
	done := t.prepare(group, careful, quick)
	if t.err != nil {
		return t.err
	}
	for _, o := range group {
		if done[o] {
			o.later = false
			continue
		}
		if o.later = t.putOff(o.claims); o.later {
			continue
		}
		o.err = o.run(t) // an answer to the caller, such as a lost fence; the group goes on
		if t.err != nil {
			return t.err
		}
	}
	if err := t.flush(); err != nil {
		return err
	}
	if err := c.at("commit", group); err != nil {
		return err
	}
	if t.idle() {
		return nil // rolled back, which waits for no disk
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return c.at("committed", group)
}

// prepare carries out the ops whose runs need not be read, and reads what the others need.
func (t *txn) prepare(group []*op, careful, quick bool) (done map[*op]bool) {
	if quick && t.sql.QuickEnd.Exists() {
		if t.clock(); t.err == nil {
			done = t.quick(group)
		}
	}
	var n needs
	for _, o := range group {
		if o.need != nil && !done[o] {
			o.need(&n)
		}
		for range o.claims {
			n.tries = append(n.tries, o.tries)
		}
	}
	t.lock(&n)
	t.load(&n, careful)
	t.clock()
	return done
}

func (c *committer) at(point string, group []*op) error {
	if c.tamper == nil {
		return nil
	}
	return c.tamper(point, group)
}
