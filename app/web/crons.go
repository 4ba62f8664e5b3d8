package web

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// longestWait is how long a request may wait for its run to end.
const longestWait = 10 * time.Minute

// MountCrons serves everything under /crons. A path that no row of the tables has is behind the same guards.
func (s *Server) MountCrons(r fiber.Router) {
	s.serve(r, slices.Concat(s.loginRoutes(), s.dashboardRoutes(), s.apiRoutes()))
	s.rest(r, dashboard.Root+"/*", true, func(*fiber.Ctx) error {
		return refuse(fiber.StatusNotFound, "there is no such page")
	})
	s.rest(r, "/crons/*", false, func(*fiber.Ctx) error { return fiber.ErrNotFound })
}

// apiRoutes is the API. The fixed words come before :name; they cannot be names of jobs.
func (s *Server) apiRoutes() []route {
	return []route{
		{method: "GET", path: "/crons", role: access.Viewer, handler: s.listJobs},
		{method: "GET", path: "/crons/openapi.json", role: access.Viewer, handler: s.openAPI},
		{method: "GET", path: "/crons/docs", role: access.Viewer, handler: s.docs},

		{method: "GET", path: "/crons/timeline", role: access.Viewer, handler: s.timeline},
		{method: "GET", path: "/crons/events", role: access.Viewer, handler: s.streamEvents},
		{method: "GET", path: "/crons/instances", role: access.Viewer, handler: s.listInstances},
		{method: "GET", path: "/crons/audit", role: access.Viewer, handler: s.listAudit},

		{method: "GET", path: "/crons/alerts", role: access.Viewer, handler: s.listAlerts},
		{method: "POST", path: "/crons/alerts/test", role: access.Operator, handler: s.testAlerts},
		{method: "GET", path: "/crons/silences", role: access.Viewer, handler: s.listSilences},
		{method: "POST", path: "/crons/silences", role: access.Operator, handler: s.addSilence},
		{method: "DELETE", path: "/crons/silences/:id", role: access.Operator, handler: s.endSilence},

		{method: "GET", path: "/crons/runs", role: access.Viewer, handler: s.listRuns},
		{method: "GET", path: "/crons/runs/:id", role: access.Viewer, handler: s.showRun},
		{method: "GET", path: "/crons/runs/:id/logs", role: access.Viewer, handler: s.showLogs},
		{method: "POST", path: "/crons/runs/:id/cancel", role: access.Operator, handler: s.cancelRun},
		{method: "POST", path: "/crons/runs/:id/retry", role: access.Operator, handler: s.traced(s.retryRun)},

		{method: "GET", path: "/crons/:name", role: access.Viewer, handler: s.showJob},
		{method: "GET", path: "/crons/:name/runs", role: access.Viewer, handler: s.listRuns},
		{method: "POST", path: "/crons/:name/run", role: access.Operator, handler: s.traced(s.runJob)},
		{method: "POST", path: "/crons/:name/pause", role: access.Operator, handler: s.pauseJob},
		{method: "POST", path: "/crons/:name/resume", role: access.Operator, handler: s.resumeJob},
		{method: "POST", path: "/crons/:name/backfill", role: access.Operator, handler: s.traced(s.backfillJob)},
		{method: "PUT", path: "/crons/:name/schedule", role: access.Operator, handler: s.rescheduleJob},
		{method: "DELETE", path: "/crons/:name/schedule", role: access.Operator, handler: s.unscheduleJob},
	}
}

func (s *Server) listJobs(c *fiber.Ctx) error {
	q := queryOf(c)
	filter := ops.Filter{
		Tag:    q.text("tag", 100),
		Status: anyOf(q, "status", contract.JobScheduled, contract.JobRunning, contract.JobPaused, contract.JobDisabled),
		Search: q.text("q", 200),
	}
	limit := q.number("limit", 1, 10_000, 0)
	offset := q.number("offset", 0, 1_000_000_000, 0)
	if err := q.err(); err != nil {
		return err
	}
	key, err := json.Marshal([]any{filter, limit, offset})
	if err != nil {
		return err
	}
	doc, err := s.lists.do(c.UserContext(), string(key), func(ctx context.Context) (document, time.Time, error) {
		// The answer may be others' too: it does not end with this request.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		list, err := s.app.Crons.List(ctx, filter)
		if err != nil {
			return document{}, time.Time{}, err
		}
		total := len(list.Jobs)
		jobs := list.Jobs[min(int(offset), total):]
		if limit > 0 {
			jobs = jobs[:min(int(limit), len(jobs))]
		}
		doc, err := newDocument(jobs)
		doc.total = total
		return doc, list.Until, err
	})
	if err != nil {
		return err
	}
	c.Set("X-Total-Count", strconv.Itoa(doc.total))
	return doc.send(c)
}

func (s *Server) showJob(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	job, err := s.app.Crons.Job(c.UserContext(), jobName(c))
	if err != nil {
		return err
	}
	return sendTagged(c, job)
}

// runJob starts a run, and with ?wait= stays until it has ended. Without it the answer is 202 also for
// the ended run of a key that was used before: who did not ask to wait need not expect another.
func (s *Server) runJob(c *fiber.Ctx) error {
	q := queryOf(c)
	wait := q.duration("wait", longestWait)
	if err := q.err(); err != nil {
		return err
	}
	var request scheduler.Request
	if err := readBody(c, field{"args", &request.Args}, field{"key", &request.Key}, field{"force", &request.Force}); err != nil {
		return err
	}
	run, err := s.by(c).Trigger(c.UserContext(), jobName(c), request)
	if err != nil {
		return err
	}
	c.Location("/crons/runs/" + run.ID)
	if wait > 0 && !run.Status.Ended() {
		ctx, cancel := context.WithTimeout(s.closing, wait)
		defer cancel()
		// Whatever cuts the wait short, the run is accepted, and that is the answer.
		if now, err := s.app.Crons.Await(ctx, run.ID); now.ID != "" || err == nil {
			run = now
		}
	}
	if wait > 0 && run.Status.Ended() {
		return sendJSON(c, fiber.StatusOK, run)
	}
	return sendJSON(c, fiber.StatusAccepted, run)
}

func (s *Server) pauseJob(c *fiber.Ctx) error {
	pause := contract.Pause{Job: jobName(c)}
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c, field{"reason", &pause.Reason}, field{"until", &pause.Until}); err != nil {
		return err
	}
	return s.setPause(c, pause)
}

func (s *Server) resumeJob(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	return s.setPause(c, contract.Pause{Job: jobName(c), Resume: true})
}

func (s *Server) setPause(c *fiber.Ctx, pause contract.Pause) error {
	job, err := s.by(c).Pause(c.UserContext(), pause)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, job)
}

// backfillJob runs the slots of a stretch of the past.
func (s *Server) backfillJob(c *fiber.Ctx) error {
	var from, to time.Time
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c, field{"from", &from}, field{"to", &to}); err != nil {
		return err
	}
	var bad []invalid
	if from.IsZero() {
		bad = append(bad, invalid{"body", "/from", "is missing"})
	}
	if to.IsZero() {
		bad = append(bad, invalid{"body", "/to", "is missing"})
	}
	if len(bad) > 0 {
		return badRequest(bad...)
	}
	runs, err := s.by(c).Backfill(c.UserContext(), jobName(c), from, to)
	if err != nil {
		return err
	}
	if runs == nil {
		runs = []cron.Record{}
	}
	return sendJSON(c, fiber.StatusAccepted, runs)
}

// rescheduleJob puts a schedule in place of the one in the job's code.
func (s *Server) rescheduleJob(c *fiber.Ctx) error {
	var expr, zone string
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c, field{"expr", &expr}, field{"timezone", &zone}); err != nil {
		return err
	}
	if strings.TrimSpace(expr) == "" {
		return badRequest(invalid{"body", "/expr", "is missing; DELETE goes back to the schedule in the code"})
	}
	return s.setSchedule(c, expr, zone)
}

// unscheduleJob goes back to the schedule in the job's code.
func (s *Server) unscheduleJob(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	return s.setSchedule(c, "", "")
}

func (s *Server) setSchedule(c *fiber.Ctx, expr, zone string) error {
	job, err := s.by(c).Reschedule(c.UserContext(), jobName(c), expr, zone)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, job)
}

// jobName is the name as it stands in the path. A name never needs an escape there, so none is
// taken back: what holds one is the name of nothing.
func jobName(c *fiber.Ctx) string { return shorten(c.Params("name")) }
