package api

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// longestWait is how long a request may wait for its run to end.
const longestWait = 10 * time.Minute

func (a *API) listJobs(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	filter := ops.Filter{
		Tag:    q.Text("tag", 100),
		Status: request.AnyOf(q, "status", contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled),
		Search: q.Text("q", 200),
	}
	limit := q.Number("limit", 1, 10_000, 0)
	offset := q.Number("offset", 0, 1_000_000_000, 0)
	if err := q.Err(); err != nil {
		return err
	}
	key, err := json.Marshal([]any{filter, limit, offset})
	if err != nil {
		return err
	}
	doc, err := a.lists.do(c.UserContext(), string(key), func(ctx context.Context) (list, time.Time, error) {
		// Other requests may wait for this answer, so it does not end with this one.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), request.Patience)
		defer cancel()
		all, err := a.app.Crons.List(ctx, filter)
		if err != nil {
			return list{}, time.Time{}, err
		}
		total := len(all.Jobs)
		jobs := all.Jobs[min(int(offset), total):]
		if limit > 0 {
			jobs = jobs[:min(int(limit), len(jobs))]
		}
		doc, err := reply.NewDocument(jobs)
		return list{doc, total}, all.Until, err
	})
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.Itoa(doc.total))
	return doc.Send(c)
}

func (a *API) showJob(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	job, err := a.app.Crons.Job(c.UserContext(), request.JobName(c))
	if err != nil {
		return err
	}
	return reply.Tagged(c, job)
}

// runJob starts a run, or records it for later, and with ?wait= waits for its end. Without it the answer is always 202, also for the
// ended run of a key that was used before.
func (a *API) runJob(c *fiber.Ctx) error {
	var args json.RawMessage
	return a.begin(c, func(asked scheduler.Request) (cron.Record, error) {
		asked.Args = args
		return a.app.Crons.By(request.Caller(c)).Trigger(c.UserContext(), request.JobName(c), asked)
	}, request.Into("args", &args))
}

// begin starts a run for the request that the body makes; also are further members of the body.
func (a *API) begin(c *fiber.Ctx, start func(scheduler.Request) (cron.Record, error), also ...request.Member) error {
	q := request.QueryOf(c)
	wait := q.Duration("wait", longestWait)
	if err := q.Err(); err != nil {
		return err
	}
	var asked scheduler.Request
	takes := slices.Concat(also, []request.Member{request.Into("key", &asked.Key), request.Into("force", &asked.Force), request.Into("at", &asked.At)})
	if err := request.Body(c, takes...); err != nil {
		return err
	}
	run, err := start(asked)
	if err != nil {
		return err
	}
	c.Location(access.Base(c) + "/crons/runs/" + run.ID)
	if wait > 0 && !run.Status.Ended() {
		ctx, cancel := context.WithTimeout(request.Serving(c), wait)
		defer cancel()
		// Whatever ends the wait early, the run was accepted, and the answer says so.
		if now, err := a.app.Crons.Await(ctx, run.ID); now.ID != "" || err == nil {
			run = now
		}
	}
	status := fiber.StatusAccepted
	if wait > 0 && run.Status.Ended() {
		status = fiber.StatusOK
	}
	return reply.JSON(c, status, run)
}

func (a *API) pauseJob(c *fiber.Ctx) error {
	pause := contract.Pause{Job: request.JobName(c)}
	if err := request.OnlyBody(c, request.Into("reason", &pause.Reason), request.Into("until", &pause.Until)); err != nil {
		return err
	}
	return a.setPause(c, pause)
}

func (a *API) resumeJob(c *fiber.Ctx) error {
	if err := request.OnlyBody(c); err != nil {
		return err
	}
	return a.setPause(c, contract.Pause{Job: request.JobName(c), Resume: true})
}

func (a *API) setPause(c *fiber.Ctx, pause contract.Pause) error {
	job, err := a.app.Crons.By(request.Caller(c)).Pause(c.UserContext(), pause)
	if err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, job)
}

// backfillJob runs the slots of a past period.
func (a *API) backfillJob(c *fiber.Ctx) error {
	var from, to time.Time
	if err := request.OnlyBody(c, request.Into("from", &from), request.Into("to", &to)); err != nil {
		return err
	}
	var bad []reply.Invalid
	if from.IsZero() {
		bad = append(bad, reply.Invalid{In: "body", Field: "/from", Detail: "is missing"})
	}
	if to.IsZero() {
		bad = append(bad, reply.Invalid{In: "body", Field: "/to", Detail: "is missing"})
	}
	if len(bad) > 0 {
		return reply.BadRequest(bad...)
	}
	runs, err := a.app.Crons.By(request.Caller(c)).Backfill(c.UserContext(), request.JobName(c), from, to)
	if err != nil {
		return err
	}
	if runs == nil {
		runs = []cron.Record{}
	}
	return reply.JSON(c, fiber.StatusAccepted, runs)
}

// rescheduleJob overrides the schedule in the job's code.
func (a *API) rescheduleJob(c *fiber.Ctx) error {
	var expr, zone string
	if err := request.OnlyBody(c, request.Into("expr", &expr), request.Into("timezone", &zone)); err != nil {
		return err
	}
	if strings.TrimSpace(expr) == "" {
		return reply.BadBody("/expr", "is missing; DELETE goes back to the schedule in the code")
	}
	return a.setSchedule(c, expr, zone)
}

// unscheduleJob goes back to the schedule in the job's code.
func (a *API) unscheduleJob(c *fiber.Ctx) error {
	if err := request.OnlyBody(c); err != nil {
		return err
	}
	return a.setSchedule(c, "", "")
}

func (a *API) setSchedule(c *fiber.Ctx, expr, zone string) error {
	job, err := a.app.Crons.By(request.Caller(c)).Reschedule(c.UserContext(), request.JobName(c), expr, zone)
	if err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, job)
}
