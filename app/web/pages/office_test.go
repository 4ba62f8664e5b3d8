package pages_test

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
)

// reportArgs is what the job report is run with by hand.
type reportArgs struct {
	Month  string   `json:"month" jsonschema:"as in 2026-11"`
	Limit  int      `json:"limit" jsonschema:"at most so many"`
	DryRun bool     `json:"dry_run"`
	Skip   []string `json:"skip"`
}

// letterArgs is what the stored schedules of the job letter have.
type letterArgs struct {
	Tenant int    `json:"tenant" jsonschema:"who gets it"`
	Paper  string `json:"paper" jsonschema:"its size"`
	Text   string `json:"text"`
	Draft  bool   `json:"draft"`
}

// officeJobs are a few jobs of every kind, none of which is due soon.
func officeJobs(set *webtest.Setup) {
	r := cron.NewRegistry()
	set.Registry = r
	r.Register("report", "30 2 * * 1", report, cron.Args(reportArgs{Month: "2026-11", Limit: 20, Skip: []string{}}),
		cron.Tags("billing", "mail"), cron.Describe("writes reports"), cron.Meta("owner", "billing"), cron.In("Europe/Berlin"))
	r.Register("import", "0 4 * * *", webtest.Broken, cron.Tags("sync"))
	r.Register("endless", "0 5 1 * *", webtest.UntilCancelled, cron.Tags("sync"))
	r.Register("quick", "@yearly", webtest.Succeed)
	r.Register("letter", cron.OnDemand, webtest.Succeed, cron.Args(letterArgs{Tenant: 1, Paper: "A4"}), cron.In("Europe/Berlin"))
	r.Register("elsewhere", "0 6 * * *", webtest.Succeed, cron.Only("nowhere"))
	r.Register("hostile", "0 0 29 2 *", func(ctx context.Context) error {
		slog.ErrorContext(ctx, webtest.Hostile, "key", webtest.Hostile, webtest.Hostile, "value")
		cron.RunFrom(ctx).Progress(1, 0, webtest.Hostile)
		return errors.New(webtest.Hostile)
	}, cron.Describe(webtest.Hostile), cron.Tags("a&b<i>"), cron.Meta("<b>", webtest.Hostile), cron.Args(struct {
		Text string `json:"text" jsonschema:"it is &lt;b&gt; <b>"`
	}{webtest.Hostile}))
}

// report logs and tells its progress for about two seconds.
func report(ctx context.Context) error {
	args, run := cron.ArgsFrom[reportArgs](ctx), cron.RunFrom(ctx)
	for i := range args.Limit {
		slog.InfoContext(ctx, "wrote a page", "page", i+1, "month", args.Month)
		run.Progress(int64(i+1), int64(args.Limit), "pages")
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}
