package api

import (
	"errors"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// longestScheduleID is the limit in characters for IDs of stored schedules.
const longestScheduleID = 200

// listSchedules answers with a page of stored schedules, by ID.
func (a *API) listSchedules(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	query := contract.ScheduleQuery{
		Job:       q.Stored("job", 100),
		Search:    q.Stored("q", 200),
		Meta:      q.Pairs("meta", 1000),
		DueAfter:  q.Instant("due_after"),
		DueBefore: q.Instant("due_before"),
		After:     q.Stored("cursor", longestScheduleID),
		Limit:     int(q.Number("limit", 1, 1000, 50)),
	}
	if paused := request.AnyOf(q, "paused", "true", "false"); paused != "" {
		only := paused == "true"
		query.Paused = &only
	}
	if err := q.Err(); err != nil {
		return err
	}
	list, err := a.app.Crons.Schedules(c.UserContext(), query)
	if err != nil {
		return err
	}
	return reply.Tagged(c, list)
}

func (a *API) showSchedule(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	id, err := scheduleID(c, "")
	if err != nil {
		return err
	}
	detail, err := a.app.Crons.Schedule(c.UserContext(), id)
	if err != nil {
		return ofSchedule(err)
	}
	return reply.Versioned(c, fiber.StatusOK, detail.Revision, detail)
}

// putSchedule makes or changes a stored schedule.
func (a *API) putSchedule(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	id, err := scheduleID(c, "")
	if err != nil {
		return err
	}
	in, read := ops.ReadSchedule(c.BodyRaw())
	if notJSON := bodyProblem(read); notJSON != nil {
		return notJSON
	}
	if in.ID != "" && in.ID != id {
		return unprocessable(cron.RequestError(in.Job, "/id", "is not the ID in the path; leave it out"))
	}
	in.ID = id
	match, err := a.match(c, id)
	if err != nil {
		return err
	}
	put, err := a.app.Crons.By(request.Caller(c)).PutInput(c.UserContext(), &in, read, match)
	if err != nil {
		return unprocessable(ofSchedule(err))
	}
	status := fiber.StatusOK
	if put.Outcome == contract.PutCreated {
		status = fiber.StatusCreated
		c.Location(access.Base(c) + "/crons/schedules/" + url.PathEscape(id))
	}
	return reply.Versioned(c, status, put.Revision, put)
}

func (a *API) deleteSchedule(c *fiber.Ctx) error {
	if err := request.OnlyBody(c); err != nil {
		return err
	}
	id, err := scheduleID(c, "")
	if err != nil {
		return err
	}
	match, err := a.match(c, id)
	if err != nil {
		return err
	}
	was, err := a.app.Crons.By(request.Caller(c)).DeleteSchedule(c.UserContext(), id, match)
	if err != nil {
		return ofSchedule(err)
	}
	return reply.JSON(c, fiber.StatusOK, was)
}

func (a *API) pauseSchedule(c *fiber.Ctx) error {
	var pause contract.PauseSchedule
	if err := request.OnlyBody(c, request.Into("reason", &pause.Reason), request.Into("until", &pause.Until)); err != nil {
		return err
	}
	return a.setSchedulePause(c, "/pause", pause)
}

func (a *API) resumeSchedule(c *fiber.Ctx) error {
	if err := request.OnlyBody(c); err != nil {
		return err
	}
	return a.setSchedulePause(c, "/resume", contract.PauseSchedule{Resume: true})
}

func (a *API) setSchedulePause(c *fiber.Ctx, action string, pause contract.PauseSchedule) (err error) {
	if pause.ID, err = scheduleID(c, action); err != nil {
		return err
	}
	if pause.Match, err = a.match(c, pause.ID); err != nil {
		return err
	}
	view, err := a.app.Crons.By(request.Caller(c)).PauseSchedule(c.UserContext(), pause)
	if err != nil {
		return ofSchedule(err)
	}
	return reply.Versioned(c, fiber.StatusOK, view.Revision, view)
}

// runSchedule is runJob with the arguments of a stored schedule.
func (a *API) runSchedule(c *fiber.Ctx) error {
	return a.begin(c, func(asked scheduler.Request) (cron.Record, error) {
		id, err := scheduleID(c, "/run")
		if err != nil {
			return cron.Record{}, err
		}
		run, err := a.app.Crons.By(request.Caller(c)).TriggerSchedule(c.UserContext(), id, asked)
		return run, ofSchedule(err)
	})
}

// previewSchedule answers with what a stored schedule means.
func (a *API) previewSchedule(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	id, err := scheduleID(c, "/preview")
	if err != nil {
		return err
	}
	preview, err := a.app.Crons.ScheduleSlots(c.UserContext(), id)
	if err != nil {
		return ofSchedule(err)
	}
	return reply.JSON(c, fiber.StatusOK, preview)
}

// previewUnstored answers with what a schedule would mean.
func (a *API) previewUnstored(c *fiber.Ctx) error {
	if rest, _ := scheduleRest(c); !strings.EqualFold(rest, "preview") {
		return a.showSchedule(c) // of the ID preview, escaped, in a program that unescapes paths
	}
	q := request.QueryOf(c)
	asked := ops.ScheduleQuestion{
		Expr: q.Text("expr", 500), Zone: q.Text("timezone", 100), ID: q.Text("id", longestScheduleID), Job: q.Text("job", 100),
		From: q.Instant("from"), Until: q.Instant("until"), Default: a.app.Config.Timezone,
	}
	if err := q.Mistakes(); err != nil {
		return err
	}
	preview, err := a.app.Crons.PreviewSchedule(asked)
	var wrong *cron.ArgsError
	if errors.As(err, &wrong) {
		for _, f := range wrong.Fields {
			q.Wrong(strings.TrimPrefix(f.Field, "/"), f.Detail)
		}
		return q.Err()
	}
	if err := errors.Join(err, q.Err()); err != nil {
		return err
	}
	return reply.JSON(c, fiber.StatusOK, preview)
}

// scheduleRest answers for IDs whose slashes were not escaped, or that a program around the routes has unescaped
// (fiber.Config.UnescapePath). Only GET can be mistaken: an ID that ends in /preview needs its slashes escaped.
func (a *API) scheduleRest(c *fiber.Ctx) error {
	rest, _ := scheduleRest(c)
	actions := map[string]map[string]fiber.Handler{
		fiber.MethodGet:    {"/preview": a.previewSchedule, "": a.showSchedule},
		fiber.MethodHead:   {"/preview": a.previewSchedule, "": a.showSchedule},
		fiber.MethodPut:    {"": a.putSchedule},
		fiber.MethodDelete: {"": a.deleteSchedule},
		fiber.MethodPost:   {"/pause": a.pauseSchedule, "/resume": a.resumeSchedule, "/run": a.traced(a.runSchedule)},
	}[c.Method()]
	last := ""
	if i := strings.LastIndexByte(rest, '/'); i > 0 {
		last = strings.ToLower(rest[i:])
	}
	if handler := actions[last]; handler != nil {
		return handler(c)
	}
	if handler := actions[""]; handler != nil {
		return handler(c)
	}
	return fiber.ErrNotFound
}

// scheduleRest is the path after /crons/schedules/ as it was sent, without a slash at its end. A program around the
// routes may have unescaped the path that Fiber knows.
func scheduleRest(c *fiber.Ctx) (rest string, ok bool) {
	const before = "/crons/schedules/"
	sent := string(c.Request().URI().PathOriginal())
	i := strings.Index(strings.ToLower(sent), before)
	if i < 0 || len(strings.ToLower(sent)) != len(sent) {
		return "", false
	}
	return strings.TrimSuffix(sent[i+len(before):], "/"), true
}

// scheduleID is the ID in the path before an action.
func scheduleID(c *fiber.Ctx, action string) (string, error) {
	rest, ok := scheduleRest(c)
	if n := len(rest) - len(action); ok && n > 0 && strings.EqualFold(rest[n:], action) {
		if id, err := url.PathUnescape(rest[:n]); err == nil {
			return id, nil
		}
	}
	return "", reply.Refuse(fiber.StatusNotFound, "the path has no ID of a schedule")
}

// match is the revision that a change asks for, by If-Match and If-None-Match; see [contract.PutSchedule].
func (a *API) match(c *fiber.Ctx, id string) (int64, error) {
	revisions, exists := reply.Revisions(c)
	if none := strings.TrimSpace(c.Get(fiber.HeaderIfNoneMatch)); none != "" {
		if none != "*" || c.Method() != fiber.MethodPut || exists || revisions != nil {
			return 0, reply.Refuse(fiber.StatusBadRequest, "If-None-Match takes * here, with PUT and without If-Match: the schedule must not exist")
		}
		return contract.NoRevision, nil
	}
	if len(revisions) == 1 || !exists && revisions == nil {
		return append(revisions, 0)[0], nil
	}
	now, err := a.app.Crons.Schedule(c.UserContext(), id)
	switch {
	case errors.Is(err, cron.ErrNotFound):
		return 0, preconditionFailed()
	case err != nil:
		return 0, err
	}
	for _, revision := range revisions {
		exists = exists || revision == now.Revision
	}
	if !exists {
		return 0, preconditionFailed()
	}
	return now.Revision, nil
}

func preconditionFailed() error {
	return reply.Refuse(fiber.StatusPreconditionFailed, "the schedule is not as If-Match or If-None-Match says; load it again")
}

// ofSchedule words the errors of stored schedules.
func ofSchedule(err error) error {
	var none *ops.NoScheduleError
	switch {
	case errors.As(err, &none):
		return reply.Refuse(fiber.StatusNotFound, none.Error())
	case errors.Is(err, ops.ErrRevision):
		return preconditionFailed()
	}
	return err
}

// bodyProblem is the problem of a body that is no schedule at all.
func bodyProblem(read error) error {
	var wrong *cron.ArgsError
	if errors.As(read, &wrong) && wrong.Fields[0].Field == "" {
		return reply.BadBody("", "the body "+wrong.Fields[0].Detail)
	}
	return nil
}

// unprocessable is the problem of a schedule with mistakes.
func unprocessable(err error) error {
	var wrong *cron.ArgsError
	if !errors.As(err, &wrong) {
		return err
	}
	p := reply.ProblemOf(err)
	p.Status = fiber.StatusUnprocessableEntity
	return p
}
