package api

import (
	"net/url"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// listAudit answers with the changes that people and programs made, newest first.
func (a *API) listAudit(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	target := q.Text("target", longestScheduleID)
	before := q.Number("before", 1, 1<<62, 0)
	limit := int(q.Number("limit", 1, 500, 50))
	if err := q.Err(); err != nil {
		return err
	}
	entries, err := a.app.Store.Audits(c.UserContext(), target, before, limit+1)
	if err != nil {
		return err
	}
	entries, more := reply.Page(entries, limit)
	if more {
		next := url.Values{"before": {strconv.FormatInt(entries[limit-1].ID, 10)}, "limit": {strconv.Itoa(limit)}}
		if target != "" {
			next.Set("target", target)
		}
		reply.Next(c, next)
	}
	return reply.Tagged(c, entries)
}

// listInstances answers with the processes that share the database.
func (a *API) listInstances(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	instances, err := a.app.Store.Instances(c.UserContext())
	if err != nil {
		return err
	}
	if instances == nil {
		instances = []contract.InstanceInfo{}
	}
	return reply.Tagged(c, instances)
}
