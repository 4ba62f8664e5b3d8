package cron

import (
	"context"
	"errors"
)

// A store that keeps nothing cannot tell what has changed.
var errNotKept = errors.New("a scheduler without a store has no stream of events")

func (t *transient) Stamp(context.Context) (int64, error) { return 0, errNotKept }

func (t *transient) Glance(context.Context, Mark, int) (Glance, error) { return Glance{}, errNotKept }

func (t *transient) Audit(context.Context, AuditEntry) error { return nil }

func (t *transient) Outline(ctx context.Context) (map[string]State, error) { return t.States(ctx) }
