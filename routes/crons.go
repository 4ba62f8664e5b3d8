package routes

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/cron"

	"github.com/gofiber/fiber/v2"
)

// longestWait is how long a request may wait for its run to end.
const longestWait = 10 * time.Minute

func (s *Server) mountHealth(web fiber.Router) {
	web.Get("/livez", s.livez)
	web.Get("/readyz", s.readyz)
}

// mountCrons is the list of everything under /crons. The fixed words come before :name; they cannot
// be names of jobs.
func (s *Server) mountCrons(web fiber.Router) {
	web.Use("/crons", under("/crons", s.guard))

	web.Get("/crons/login", s.loginForm)
	web.Post("/crons/login", s.login)
	web.Post("/crons/logout", s.logout)
	web.Get("/crons/login/login.js", asset("login.js", "text/javascript; charset=utf-8"))
	web.Get("/crons/login/page.css", asset("page.css", "text/css; charset=utf-8"))

	web.Use("/crons", under("/crons", s.admit)) // from here on with a token

	web.Get("/crons", s.listJobs)
	web.Get("/crons/openapi.json", s.openAPI)
	web.Get("/crons/docs", s.docs)

	web.Get("/crons/timeline", s.timeline)
	web.Get("/crons/instances", s.listInstances)
	web.Get("/crons/audit", s.listAudit)

	web.Get("/crons/runs", s.listRuns)
	web.Get("/crons/runs/:id", s.showRun)
	web.Get("/crons/runs/:id/logs", s.showLogs)
	web.Post("/crons/runs/:id/cancel", s.cancelRun)
	web.Post("/crons/runs/:id/retry", s.retryRun)

	web.Get("/crons/:name", s.showJob)
	web.Get("/crons/:name/runs", s.listRuns)
	web.Post("/crons/:name/run", s.runJob)
	web.Post("/crons/:name/pause", s.pauseJob)
	web.Post("/crons/:name/resume", s.resumeJob)
	web.Post("/crons/:name/backfill", s.backfillJob)
	web.Put("/crons/:name/schedule", s.rescheduleJob)
	web.Delete("/crons/:name/schedule", s.unscheduleJob)
}

// under keeps a wrapper to one path and what is below it: Fiber's prefixes would let "/crons" stand
// for "/cronstats" too.
func under(path string, h fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if c.Path() == path || strings.HasPrefix(c.Path(), path+"/") {
			return h(c)
		}
		return c.Next()
	}
}

func (s *Server) listJobs(c *fiber.Ctx) error {
	q := queryOf(c)
	filter := cron.Filter{
		Tag:    q.text("tag", 100),
		Status: anyOf(q, "status", cron.JobScheduled, cron.JobRunning, cron.JobPaused, cron.JobDisabled),
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
	doc, err := s.lists.do(string(key), func() (document, error) {
		// The answer may be others' too: it does not end with this request.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		jobs, err := s.app.Crons.Jobs(ctx, filter)
		if err != nil {
			return document{}, err
		}
		total := len(jobs)
		jobs = jobs[min(int(offset), total):]
		if limit > 0 {
			jobs = jobs[:min(int(limit), len(jobs))]
		}
		if jobs == nil {
			jobs = []cron.JobView{}
		}
		doc, err := newDocument(jobs)
		doc.total = total
		return doc, err
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

// runJob starts a run, and with ?wait= stays until it has ended.
func (s *Server) runJob(c *fiber.Ctx) error {
	q := queryOf(c)
	wait := q.duration("wait", longestWait)
	if err := q.err(); err != nil {
		return err
	}
	request := cron.Request{Actor: callerOf(c).name}
	if err := readBody(c, field{"args", &request.Args}, field{"key", &request.Key}, field{"force", &request.Force}); err != nil {
		return err
	}
	if err := checkText("/key", request.Key, longestKey); err != nil {
		return err
	}
	run, err := s.app.Crons.Trigger(c.UserContext(), jobName(c), request)
	if err != nil {
		return err
	}
	s.audit(c, "run", run.Job, nil, map[string]any{"run": run.ID, "args": request.Args, "key": request.Key, "force": request.Force})

	c.Location("/crons/runs/" + run.ID)
	if wait > 0 && !run.Status.Ended() {
		ctx, cancel := context.WithTimeout(s.closing, wait)
		defer cancel()
		// Whatever cuts the wait short, the run is accepted, and that is the answer.
		if now, err := s.app.Crons.Await(ctx, run.ID); now.ID != "" || err == nil {
			run = now
		}
	}
	if run.Status.Ended() {
		return sendJSON(c, fiber.StatusOK, run)
	}
	return sendJSON(c, fiber.StatusAccepted, run)
}

func (s *Server) pauseJob(c *fiber.Ctx) error {
	pause := cron.Pause{}
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c, field{"reason", &pause.Reason}, field{"until", &pause.Until}); err != nil {
		return err
	}
	if err := checkText("/reason", pause.Reason, longestReason); err != nil {
		return err
	}
	return s.setPause(c, "pause", pause)
}

func (s *Server) resumeJob(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	return s.setPause(c, "resume", cron.Pause{Resume: true})
}

func (s *Server) setPause(c *fiber.Ctx, action string, pause cron.Pause) error {
	pause.Job, pause.Actor, pause.At = jobName(c), callerOf(c).name, time.Now().UTC()
	before, err := s.app.Crons.Job(c.UserContext(), pause.Job)
	if err != nil {
		return err
	}
	job, err := s.app.Crons.Pause(c.UserContext(), pause)
	if err != nil {
		return inBody(err)
	}
	after := map[string]any{"paused": job.Paused}
	if !pause.Resume {
		after["reason"], after["until"] = pause.Reason, timeOrNil(pause.Until)
	}
	s.audit(c, action, pause.Job, map[string]any{"paused": before.Paused, "pause": before.Pause}, after)
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
	name := jobName(c)
	runs, err := s.app.Crons.Backfill(c.UserContext(), name, from, to, callerOf(c).name)
	if err != nil {
		return inBody(err)
	}
	if runs == nil {
		runs = []cron.Record{}
	}
	s.audit(c, "backfill", name, nil, map[string]any{"from": from, "to": to, "runs": len(runs)})
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
	if err := checkText("/expr", expr, longestExpr); err != nil {
		return err
	}
	return s.setSchedule(c, "schedule", expr, zone)
}

// unscheduleJob goes back to the schedule in the job's code.
func (s *Server) unscheduleJob(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	if err := readBody(c); err != nil {
		return err
	}
	return s.setSchedule(c, "unschedule", "", "")
}

func (s *Server) setSchedule(c *fiber.Ctx, action, expr, zone string) error {
	name := jobName(c)
	before, err := s.app.Crons.Job(c.UserContext(), name)
	if err != nil {
		return err
	}
	job, err := s.app.Crons.Reschedule(c.UserContext(), name, expr, zone, callerOf(c).name)
	if err != nil {
		return inBody(err)
	}
	s.audit(c, action, name, timesOf(before.JobView), timesOf(job))
	return sendJSON(c, fiber.StatusOK, job)
}

func timesOf(job cron.JobView) map[string]any {
	return map[string]any{"schedules": job.Schedules, "timezone": job.Timezone}
}

// jobName is the name as it stands in the path. A name never needs an escape there, so none is
// taken back: what holds one is the name of nothing.
func jobName(c *fiber.Ctx) string { return shorten(c.Params("name")) }

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
