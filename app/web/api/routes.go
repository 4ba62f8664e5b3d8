package api

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
)

// Routes is everything under /crons but the pages. The fixed words come before :name; they cannot be names of jobs.
func (a *API) Routes() []access.Route {
	return []access.Route{
		{Method: "GET", Path: "/crons", Role: access.Viewer, Handler: a.listJobs},
		{Method: "GET", Path: "/crons/openapi.json", Role: access.Viewer, Handler: a.openAPI},
		{Method: "GET", Path: "/crons/docs", Role: access.Viewer, Handler: a.showDocs},

		{Method: "GET", Path: "/crons/timeline", Role: access.Viewer, Handler: a.timeline},
		{Method: "GET", Path: "/crons/events", Role: access.Viewer, Handler: a.streams.handle},
		{Method: "GET", Path: "/crons/instances", Role: access.Viewer, Handler: a.listInstances},
		{Method: "GET", Path: "/crons/audit", Role: access.Viewer, Handler: a.listAudit},

		{Method: "GET", Path: "/crons/alerts", Role: access.Viewer, Handler: a.listAlerts},
		{Method: "POST", Path: "/crons/alerts/test", Role: access.Operator, Handler: a.testAlerts},
		{Method: "GET", Path: "/crons/silences", Role: access.Viewer, Handler: a.listSilences},
		{Method: "POST", Path: "/crons/silences", Role: access.Operator, Handler: a.addSilence},
		{Method: "DELETE", Path: "/crons/silences/:id", Role: access.Operator, Handler: a.endSilence},

		{Method: "GET", Path: "/crons/runs", Role: access.Viewer, Handler: a.listRuns},
		{Method: "GET", Path: "/crons/runs/:id", Role: access.Viewer, Handler: a.showRun},
		{Method: "GET", Path: "/crons/runs/:id/logs", Role: access.Viewer, Handler: a.showLogs},
		{Method: "POST", Path: "/crons/runs/:id/cancel", Role: access.Operator, Handler: a.cancelRun},
		{Method: "POST", Path: "/crons/runs/:id/retry", Role: access.Operator, Handler: a.traced(a.retryRun)},

		{Method: "GET", Path: "/crons/schedules", Role: access.Viewer, Handler: a.listSchedules},
		{Method: "GET", Path: "/crons/schedules/preview", Role: access.Viewer, Handler: a.previewUnstored},
		{Method: "POST", Path: access.ImportPath, Role: access.Operator, Handler: a.importSchedules, Lines: true},
		{Method: "GET", Path: "/crons/schedules/:id", Role: access.Viewer, Handler: a.showSchedule},
		{Method: "PUT", Path: "/crons/schedules/:id", Role: access.Operator, Handler: a.putSchedule},
		{Method: "DELETE", Path: "/crons/schedules/:id", Role: access.Operator, Handler: a.deleteSchedule},
		{Method: "GET", Path: "/crons/schedules/:id/preview", Role: access.Viewer, Handler: a.previewSchedule},
		{Method: "POST", Path: "/crons/schedules/:id/pause", Role: access.Operator, Handler: a.pauseSchedule},
		{Method: "POST", Path: "/crons/schedules/:id/resume", Role: access.Operator, Handler: a.resumeSchedule},
		{Method: "POST", Path: "/crons/schedules/:id/run", Role: access.Operator, Handler: a.traced(a.runSchedule)},
		{Method: "GET", Path: "/crons/schedules/*", Role: access.Viewer, Handler: a.scheduleRest},
		{Method: "PUT", Path: "/crons/schedules/*", Role: access.Operator, Handler: a.scheduleRest},
		{Method: "DELETE", Path: "/crons/schedules/*", Role: access.Operator, Handler: a.scheduleRest},
		{Method: "POST", Path: "/crons/schedules/*", Role: access.Operator, Handler: a.scheduleRest},

		{Method: "GET", Path: "/crons/:name", Role: access.Viewer, Handler: a.showJob},
		{Method: "GET", Path: "/crons/:name/runs", Role: access.Viewer, Handler: a.listRuns},
		{Method: "POST", Path: "/crons/:name/run", Role: access.Operator, Handler: a.traced(a.runJob)},
		{Method: "POST", Path: "/crons/:name/pause", Role: access.Operator, Handler: a.pauseJob},
		{Method: "POST", Path: "/crons/:name/resume", Role: access.Operator, Handler: a.resumeJob},
		{Method: "POST", Path: "/crons/:name/backfill", Role: access.Operator, Handler: a.traced(a.backfillJob)},
		{Method: "PUT", Path: "/crons/:name/schedule", Role: access.Operator, Handler: a.rescheduleJob},
		{Method: "DELETE", Path: "/crons/:name/schedule", Role: access.Operator, Handler: a.unscheduleJob},
	}
}

// traced gives a request that starts runs a span, in the trace that its sender names, and links the runs to it.
// It comes after Admit: only callers whom the route admits write into traces.
func (a *API) traced(handler fiber.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		header := func(name string) string { return strings.Clone(c.Get(name)) }
		ctx, end := a.app.Trace.Request(c.UserContext(), c.Method(), c.Route().Path, header)
		status := fiber.StatusInternalServerError // of a panic
		defer func() { end(status) }()
		c.SetUserContext(ctx)
		err := handler(c)
		if status = c.Response().StatusCode(); err != nil {
			status = reply.ProblemOf(err).Status
		}
		return err
	}
}
