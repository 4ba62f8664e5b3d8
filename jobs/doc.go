// Package jobs is YOURS: one file is one job.
//
// # A job in one minute
//
//	go run ./cmd/cli new cleanup "30 2 * * *"   # writes jobs/cleanup.go
//	go run ./cmd/cli list                       # it is registered
//	go run ./cmd/cli run-job cleanup            # run it here and now
//	go run ./cmd/server                         # run it every night
//
// Nothing else has to be edited: a file registers its job in init, and the server and the CLI are
// built with this package. hello.go is the shortest job there is. Mistakes in a registration (an
// expression that never fires, a name that is taken) stop the server at its start with file and
// line; go run ./cmd/cli check finds them, too, for CI.
//
// # Options
//
// Everything a job has besides name, schedule and function is an option on that line:
//
//	cron.Register("report", "0 9 * * MON-FRI", report,
//		cron.Describe("Mails the daily report"),
//		cron.In("Europe/Berlin"),                          // the zone of the expression
//		cron.Also("0 12 * * SAT"),                         // a second schedule
//		cron.Timeout(10*time.Minute),                      // of one attempt
//		cron.Retry(3, cron.Exponential(time.Second)),      // 3 more attempts when it fails
//		cron.Overlap(cron.Queue),                          // due while it runs: wait (or Skip, Allow, Replace)
//		cron.CatchUp(cron.All, cron.Within(24*time.Hour)), // slots missed while nothing ran (or Latest, None)
//		cron.OnCrash(cron.Rerun),                          // the process died in the middle (or Skip)
//		cron.StartWithin(time.Minute),                     // better never than late
//		cron.Limit("smtp", 2),                             // at most 2 runs of this group at a time
//		cron.Keep(500, 90*24*time.Hour),                   // history
//		cron.Only("production"),                           // by APP_ENV
//		cron.Tags("mail", "daily"), cron.Meta("owner", "billing"),
//		cron.Args(reportArgs{Copies: 1}),                  // typed arguments with defaults
//		cron.Ping("https://hc-ping.com/your-uuid"),        // a dead man's switch hears of every run
//		cron.Use(measured),                                // your own wrapper around the function
//		cron.Before(prepare), cron.After(tidy),            // once around the whole run, retries included
//		cron.OnFailure(escalate), cron.OnSkip(explain),    // it has failed for good; a slot was left out
//	)
//
// # Inside a job
//
//	func report(ctx context.Context) error {
//		run := cron.RunFrom(ctx)                    // slot, attempt, idempotency key, progress, result
//		args := cron.ArgsFrom[reportArgs](ctx)      // the run's arguments
//		db := app.DB(ctx)                           // gorm, for your own tables
//		size := config.From(ctx).ReportSize         // a variable of yours, from config/local.go
//		slog.InfoContext(ctx, "sending", "to", to)  // kept with the run; use the ...Context functions
//		return send(ctx, run.Key())                 // hand ctx on: it ends on timeout, cancel and shutdown
//	}
//
// A returned error fails the attempt, and a panic does, too, without harm to anything else;
// cron.NoRetry(err) fails the run for good. Use run.Slot() instead of time.Now() for the day a run
// works for: it is right in a late run and in a backfill, too. It is zero in a run by hand; whoever asks
// for one says the day in its arguments. Side effects happen again when an attempt is repeated;
// run.Key() is the same for all attempts of one slot, hand it to whoever can deduplicate.
//
// A timeout, a cancellation and a shutdown end ctx, and nothing more: Go cannot stop a function from outside.
// One that does not look at ctx keeps its worker and holds up its next run; after 5 s the log, the run's page,
// a metric and an alert say so. Whatever waits takes ctx: requests by http.NewRequestWithContext, queries by
// app.DB(ctx), a pause by select { case <-time.After(d): case <-ctx.Done(): }, a loop by a look at ctx.Err().
// A program that is called needs a WaitDelay, too: what it has started itself may outlive it and hold its
// output, for which Run would wait without end.
//
//	cmd := exec.CommandContext(ctx, "./backup.sh", run.Key())
//	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // optional: let it tidy up
//	cmd.WaitDelay = 10 * time.Second                                     // then it is killed, and its output closed
//	out, err := cmd.CombinedOutput()
//
// On SQLite one transaction writes at a time, and while yours is open no run starts and none is recorded. So
// fetch and compute first, and write then. A transaction of app.DB(ctx) that keeps the others waiting is named in
// the log after a second and rolled back after ten; one that only reads takes no lock with
// &sql.TxOptions{ReadOnly: true}.
//
// Clients and services that several jobs need come by a wrapper around all of them, in any file of
// this package:
//
//	func init() {
//		cron.Default.Use(func(next cron.Func) cron.Func {
//			return func(ctx context.Context) error { return next(mail.With(ctx, client)) }
//		})
//	}
//
// What is to happen around every run of every job, without a say in it, is a hook of all of them:
//
//	func init() {
//		cron.Default.Hook(cron.Hooks{OnFailure: func(ctx context.Context, o cron.Outcome) error {
//			return tickets.Open(ctx, o.Job, o.Error)
//		}})
//	}
//
// # Schedules that are data
//
// A job with the expression cron.OnDemand has no time of its own. Any job can have stored schedules, as many as there
// are users, made by a route or by another job and kept in the database:
//
//	cron.Register("send-report", cron.OnDemand, sendReport, cron.Args(reportArgs{Copies: 1}))
//
//	app.Schedules(ctx).Put(ctx, cron.Schedule{
//		ID: "tenant-42/daily", Job: "send-report", Expr: "0 9 * * MON-FRI", Zone: "Europe/Berlin",
//		Args: reportArgs{Tenant: 42},
//	})
//	app.Enqueue(ctx, "send-report", reportArgs{Tenant: 42}, cron.At(tuesday), cron.Key("invoice-17")) // once
//
// ctx is the job's, or c.UserContext() of a route. In a transaction of app.DB(ctx) it is app.SchedulesTx(tx) and
// app.EnqueueTx(tx, ...): they exist when your own rows do. In the job cron.RunFrom(ctx).Schedule() is the ID.
//
// # Testing a job
//
// hello_test.go shows how: crontest.Run runs the job once, in a real run context, and returns its record,
// error and log. Arguments, a slot and services are options of it; a job that uses app.DB gets it by
// crontest.Context(a.Context), a being an app.App on a database in t.TempDir. Inside testing/synctest
// timeouts and the pauses between retries take no time. crontest.Walk lets a scheduler run the job for days
// of such time, and crontest.AssertNext says when it is due.
//
// # Files that Go leaves out
//
// Go does not build files that end in _test.go or in the name of a platform (cleanup_windows.go),
// that begin with _ or a dot, or that lie in a sub-folder. A job in one of them would silently not
// exist; cli check names such files, and cli new does not make them.
package jobs
