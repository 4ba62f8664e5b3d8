package pages

import (
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/web/access"
)

// Routes is everything under /crons/dashboard: pages, their forms, and public files; and the login.
func (p *Pages) Routes() []access.Route {
	list := []access.Route{
		{Method: "GET", Path: "/", Role: access.Viewer, Handler: p.overviewPage},
		{Method: "GET", Path: "/jobs", Role: access.Viewer, Handler: p.jobsPage},
		{Method: "GET", Path: "/jobs/:name", Role: access.Viewer, Handler: p.jobPage},
		{Method: "GET", Path: "/jobs/:name/preview", Role: access.Viewer, Handler: p.previewPart},
		{Method: "GET", Path: "/schedules", Role: access.Viewer, Handler: p.schedulesPage},
		{Method: "GET", Path: "/schedules/new", Role: access.Operator, Handler: p.newSchedulePage},
		{Method: "GET", Path: "/schedule", Role: access.Viewer, Handler: p.schedulePage},
		{Method: "GET", Path: "/schedule/edit", Role: access.Operator, Handler: p.editSchedulePage},
		{Method: "GET", Path: "/runs/:id", Role: access.Viewer, Handler: p.runPage},
		{Method: "GET", Path: "/runs/:id/log", Role: access.Viewer, Handler: p.logPart},
		{Method: "GET", Path: "/runs/:id/log.txt", Role: access.Viewer, Handler: p.logFile},
		{Method: "GET", Path: "/timeline", Role: access.Viewer, Handler: p.timelinePage},
		{Method: "GET", Path: "/instances", Role: access.Viewer, Handler: p.instancesPage},
		{Method: "GET", Path: "/audit", Role: access.Viewer, Handler: p.auditPage},
		{Method: "GET", Path: "/settings", Role: access.Viewer, Handler: p.settingsPage},
		{Method: "GET", Path: "/alerts", Role: access.Viewer, Handler: p.alertsPage},

		{Method: "POST", Path: "/bulk", Role: access.Operator, Handler: p.bulkForm},
		{Method: "POST", Path: "/jobs/:name/run", Role: access.Operator, Handler: p.runForm},
		{Method: "POST", Path: "/jobs/:name/pause", Role: access.Operator, Handler: p.pauseForm},
		{Method: "POST", Path: "/jobs/:name/resume", Role: access.Operator, Handler: p.resumeForm},
		{Method: "POST", Path: "/jobs/:name/schedule", Role: access.Operator, Handler: p.scheduleForm},
		{Method: "POST", Path: "/jobs/:name/unschedule", Role: access.Operator, Handler: p.unscheduleForm},
		{Method: "POST", Path: "/jobs/:name/backfill", Role: access.Operator, Handler: p.backfillForm},
		{Method: "POST", Path: "/schedules/put", Role: access.Operator, Handler: p.putScheduleForm},
		{Method: "POST", Path: "/schedules/preview", Role: access.Operator, Handler: p.schedulePreviewPart},
		{Method: "POST", Path: "/schedules/arguments", Role: access.Operator, Handler: p.argumentsPart},
		{Method: "POST", Path: "/schedule/pause", Role: access.Operator, Handler: p.pauseScheduleForm},
		{Method: "POST", Path: "/schedule/resume", Role: access.Operator, Handler: p.resumeScheduleForm},
		{Method: "POST", Path: "/schedule/delete", Role: access.Operator, Handler: p.deleteScheduleForm},
		{Method: "POST", Path: "/schedule/run", Role: access.Operator, Handler: p.runScheduleForm},
		{Method: "POST", Path: "/runs/:id/cancel", Role: access.Operator, Handler: p.cancelForm},
		{Method: "POST", Path: "/runs/:id/retry", Role: access.Operator, Handler: p.retryForm},
		{Method: "POST", Path: "/alerts/test", Role: access.Operator, Handler: p.testAlertsForm},
		{Method: "POST", Path: "/silences", Role: access.Operator, Handler: p.silenceForm},
		{Method: "POST", Path: "/silences/:id/end", Role: access.Operator, Handler: p.unsilenceForm},
	}
	for i := range list {
		list[i].Path, list[i].Forms, list[i].Page = dashboard.Root+list[i].Path, access.BrowserForms, true
	}
	for name, asset := range dashboard.Assets() {
		list = append(list, access.Route{Method: "GET", Path: dashboard.Root + "/static/" + name, Handler: sendAsset(asset)})
	}
	return append(list, p.loginRoutes()...)
}

// sendAsset answers with a file that never changes: its name holds its checksum.
func sendAsset(a *dashboard.Asset) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, a.Type)
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
		c.Vary(fiber.HeaderAcceptEncoding)
		if strings.Contains(c.Get(fiber.HeaderAcceptEncoding), "gzip") {
			c.Set(fiber.HeaderContentEncoding, "gzip")
			return c.Send(a.Gzip)
		}
		return c.Send(a.Body)
	}
}
