package api

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// listRuns answers with runs, newest first: of one job when the path names one, of all otherwise.
// The next page is named by a Link header, whose cursor stays put while new runs come in.
func (a *API) listRuns(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	query := contract.Query{
		Job:      request.JobName(c),
		Schedule: q.Stored("schedule", longestScheduleID),
		Statuses: request.Statuses(q),
		Since:    q.Instant("since"),
		Until:    q.Instant("until"),
		Before:   q.Text("before", request.LongestID),
	}
	limit := int(q.Number("limit", 1, 500, 50))
	if err := q.Err(); err != nil {
		return err
	}
	query.Limit = limit + 1 // one more shows whether there is a next page
	runs, err := a.app.Crons.Records(c.UserContext(), query)
	if err != nil {
		return err
	}
	runs, more := reply.Page(runs, limit)
	if more {
		reply.Next(c, nextRuns(query, limit, runs[limit-1].ID))
	}
	return reply.Tagged(c, runs)
}

func nextRuns(q contract.Query, limit int, before string) url.Values {
	v := url.Values{"before": {before}, "limit": {strconv.Itoa(limit)}}
	if q.Schedule != "" {
		v.Set("schedule", q.Schedule)
	}
	if len(q.Statuses) > 0 {
		list := make([]string, len(q.Statuses))
		for i, status := range q.Statuses {
			list[i] = string(status)
		}
		v.Set("status", strings.Join(list, ","))
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.Format(time.RFC3339Nano))
	}
	return v
}

// A timeline without ?from= and ?to= shows the last hour and the next one.
const (
	timelineBack  = time.Hour
	timelineAhead = time.Hour
	timelineMost  = 31 * 24 * time.Hour
)

// timeline answers with what ran and what is due between two instants.
func (a *API) timeline(c *fiber.Ctx) error {
	q, now := request.QueryOf(c), time.Now()
	from, to := q.Instant("from"), q.Instant("to")
	if from.IsZero() {
		from = now.Add(-timelineBack)
	}
	if to.IsZero() {
		to = now.Add(timelineAhead)
	}
	switch {
	case !from.Before(to):
		q.Wrong("to", "must be later than from")
	case to.Sub(from) > timelineMost:
		q.Wrong("to", "is more than 31 days after from")
	}
	if err := q.Err(); err != nil {
		return err
	}
	timeline, err := a.app.Crons.Timeline(c.UserContext(), from, to)
	if err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, timeline)
}

func (a *API) showRun(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	run, err := a.app.Crons.Record(c.UserContext(), id)
	if err != nil {
		return err
	}
	return reply.Tagged(c, run)
}

// showLogs answers with the lines of a run after the one numbered ?after=, oldest first.
func (a *API) showLogs(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	after := q.Number("after", 0, 1<<62, 0)
	limit := int(q.Number("limit", 1, 10_000, 1000))
	if err := q.Err(); err != nil {
		return err
	}
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	lines, err := a.app.Crons.Logs(c.UserContext(), id, after, limit+1)
	if err != nil {
		return err
	}
	lines, more := reply.Page(lines, limit)
	if more {
		reply.Next(c, url.Values{"after": {strconv.FormatInt(lines[limit-1].Seq, 10)}, "limit": {strconv.Itoa(limit)}})
	}
	return reply.Tagged(c, lines)
}

func (a *API) cancelRun(c *fiber.Ctx) error {
	id, err := pathOnly(c)
	if err != nil {
		return err
	}
	run, err := a.app.Crons.By(request.Caller(c)).Cancel(c.UserContext(), id)
	if err != nil {
		return err
	}
	status := fiber.StatusAccepted
	if run.Status.Ended() {
		status = fiber.StatusOK
	}
	return reply.JSON(c, status, run)
}

// retryRun starts a new run with the arguments and the slot of one that has ended.
func (a *API) retryRun(c *fiber.Ctx) error {
	id, err := pathOnly(c)
	if err != nil {
		return err
	}
	run, err := a.app.Crons.By(request.Caller(c)).Retry(c.UserContext(), id)
	if err != nil {
		return err
	}
	c.Location(access.Base(c) + "/crons/runs/" + run.ID)
	return reply.JSON(c, fiber.StatusAccepted, run)
}

// pathOnly is the ID in the path of a write that takes no parameters and no body.
func pathOnly(c *fiber.Ctx) (id string, err error) {
	if err := request.OnlyBody(c); err != nil {
		return "", err
	}
	return request.RunID(c)
}
