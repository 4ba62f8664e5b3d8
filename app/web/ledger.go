package web

import (
	"context"
	"net/url"
	"strconv"

	"fibercrons/app/contract"
	"fibercrons/app/ops"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// ledger is what is kept of people and processes, beside jobs and runs.
type ledger interface {
	Audits(ctx context.Context, target string, before int64, limit int) ([]contract.AuditEntry, error)
	Instances(ctx context.Context) ([]contract.InstanceInfo, error)
}

// by is the scheduler in the hands of the caller of c: every change made through it is kept in the
// audit, with who, what, before, after, when and from where.
func (s *Server) by(c *fiber.Ctx) ops.Audited {
	return s.app.Crons.By(contract.Caller{Actor: access.CallerOf(c).Name, Origin: s.access.Origin(c), RequestID: requestID(c)})
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
		entries = []contract.AuditEntry{}
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
		instances = []contract.InstanceInfo{}
	}
	return sendTagged(c, instances)
}
