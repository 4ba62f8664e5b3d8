package pages

import (
	"slices"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/web/request"
)

func (p *Pages) timelinePage(c *fiber.Ctx) error {
	q, ctx, now := request.QueryOf(c), c.UserContext(), time.Now().UTC()
	name, search := q.Text("window", 10), q.Text("q", 200)
	if err := q.Mistakes(); err != nil {
		return err
	}
	window := dashboard.Windows[2]
	if i := slices.IndexFunc(dashboard.Windows, func(w dashboard.Window) bool { return w.Name == name }); i >= 0 {
		window = dashboard.Windows[i]
	}
	keep := func(string) bool { return true }
	if strings.TrimSpace(search) != "" {
		jobs, err := p.app.Crons.Jobs(ctx, ops.Filter{Search: search})
		if err != nil {
			return err
		}
		names := map[string]bool{}
		for _, j := range jobs {
			names[j.Name] = true
		}
		keep = func(job string) bool { return names[job] }
	}
	from := now.Add(-window.Each)
	t, err := p.app.Crons.Timeline(ctx, from, now.Add(window.Each))
	if err != nil {
		return err
	}
	if t.Runs, err = p.app.Store.Spans(ctx, from, now, dashboard.TimelineRuns+1); err != nil {
		return err
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{Title: "Timeline", Nav: "timeline", Now: now, Body: dashboard.NewTimeline(base(c), t, window, search, keep)})
}
