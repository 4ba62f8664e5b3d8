package routes

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strconv"
	"time"

	"fibercrons/app/cron"

	"github.com/gofiber/fiber/v2"
)

// ledger is what is kept of people and processes, beside jobs and runs.
type ledger interface {
	Audit(ctx context.Context, e cron.AuditEntry) error
	Audits(ctx context.Context, target string, before int64, limit int) ([]cron.AuditEntry, error)
	Instances(ctx context.Context) ([]cron.InstanceInfo, error)
}

// audit records a change that was made: who, what, before, after, when, from where. The change
// stands whether or not the record of it can be kept, so a failure is told to the log alone.
func (s *Server) audit(c *fiber.Ctx, action, target string, before, after any) {
	e := cron.AuditEntry{
		At: time.Now().UTC(), Actor: callerOf(c).name, Action: action, Target: target,
		Before: rawJSON(before), After: rawJSON(after), Origin: sender(c), RequestID: requestID(c),
	}
	ctx := c.UserContext()
	s.app.Log.LogAttrs(ctx, slog.LevelInfo, "changed by hand",
		slog.String("request_id", e.RequestID), slog.String("action", action), slog.String("target", target),
		slog.String("caller", e.Actor), slog.String("from", e.Origin))
	if err := s.ledger.Audit(ctx, e); err != nil {
		s.app.Log.LogAttrs(ctx, slog.LevelError, "a change is missing in the audit",
			slog.String("request_id", e.RequestID), slog.String("error", err.Error()))
	}
}

func rawJSON(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return nil // only our own values come here, and all of them can be written
	}
	return raw
}

// listAudit answers with the changes people and programs made, newest first.
func (s *Server) listAudit(c *fiber.Ctx) error {
	q := queryOf(c)
	target := q.text("target", 100)
	before := q.number("before", 1, 1<<62, 0)
	limit := int(q.number("limit", 1, 500, 50))
	if err := q.err(); err != nil {
		return err
	}
	entries, err := s.ledger.Audits(c.UserContext(), target, before, limit+1)
	if err != nil {
		return err
	}
	if len(entries) > limit {
		entries = entries[:limit]
		next := url.Values{"before": {strconv.FormatInt(entries[limit-1].ID, 10)}, "limit": {strconv.Itoa(limit)}}
		if target != "" {
			next.Set("target", target)
		}
		setNext(c, next)
	}
	if entries == nil {
		entries = []cron.AuditEntry{}
	}
	return sendTagged(c, entries)
}

// listInstances answers with the processes that share the database.
func (s *Server) listInstances(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	instances, err := s.ledger.Instances(c.UserContext())
	if err != nil {
		return err
	}
	if instances == nil {
		instances = []cron.InstanceInfo{}
	}
	return sendTagged(c, instances)
}
