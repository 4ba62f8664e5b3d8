package pages

import (
	"context"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
)

func (p *Pages) overviewPage(c *fiber.Ctx) error {
	ctx, now := c.UserContext(), time.Now().UTC()
	d := dashboard.OverviewData{Now: now, Ready: p.app.Crons.Ready(ctx)}
	var err error
	if d.Jobs, err = p.app.Crons.Jobs(ctx, ops.Filter{}); err != nil {
		return err
	}
	if d.Running, err = p.active(ctx); err != nil {
		return err
	}
	if d.Recent, err = p.app.Store.Recent(ctx, dashboard.OverviewFailing(d.Jobs), dashboard.SparkRuns); err != nil {
		return err
	}
	if d.Tally, err = p.day.tally(ctx, p.app.Store.Tally, now); err != nil {
		return err
	}
	if d.Instances, err = p.app.Store.Instances(ctx); err != nil {
		return err
	}
	return p.show(c, fiber.StatusOK, dashboard.Page{
		Title: "Overview", Nav: "overview", Now: now, Failing: len(dashboard.Failing(d.Jobs)), Body: dashboard.NewOverview(d),
	})
}

// active are the newest active runs. Runs for later are queued, too, but not active.
func (p *Pages) active(ctx context.Context) (list []cron.Record, err error) {
	for _, status := range []cron.Status{cron.Running, cron.Queued} {
		runs, err := p.app.Crons.Records(ctx, contract.Query{Statuses: []cron.Status{status}, Limit: dashboard.OverviewRunning})
		if err != nil {
			return nil, err
		}
		list = append(list, slices.DeleteFunc(runs, func(r cron.Record) bool { return r.Deferred })...)
	}
	return list[:min(len(list), dashboard.OverviewRunning)], nil
}
