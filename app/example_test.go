package app_test

import (
	"context"
	"fmt"
	"log/slog"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/scheduler"
	_ "fibercrons/app/store/sqlite" // the part that DATABASE_URL needs; a program may have several
)

// A program of its own: its settings, its jobs, its log and its shutdown.
func ExampleNew() {
	// What a job logs by slog.InfoContext(ctx, ...) goes to slog.Default, which is the program's to set. With LogHandler
	// around its handler the lines are kept with the run.
	before := slog.Default()
	defer slog.SetDefault(before)
	handler := cron.LogHandler(slog.DiscardHandler)
	slog.SetDefault(slog.New(handler))

	jobs := cron.NewRegistry() // or cron.Default, where jobs register by cron.Register
	jobs.Register("hello", "@yearly", func(ctx context.Context) error {
		slog.InfoContext(ctx, "hello", "environment", app.Config(ctx).AppEnv)
		return nil
	})
	cfg, _, err := env.New(env.Config{AppEnv: "staging", Database: env.Database{Driver: env.SQLite, Path: ":memory:"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, err := app.New(ctx, cfg, jobs, app.Log(slog.New(handler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	run, err := a.Crons.Trigger(ctx, "hello", scheduler.Request{})
	if err == nil {
		run, err = a.Crons.Await(ctx, run.ID)
	}
	fmt.Println(run.Status, err)
	lines, err := a.Crons.Logs(ctx, run.ID, 0, 10)
	for _, l := range lines {
		fmt.Println(l.Level, l.Message, string(l.Attrs), err)
	}

	stop() // runs may finish within cfg.ShutdownGrace
	fmt.Println(<-ended, a.Close())
	// Output:
	// succeeded <nil>
	// INFO hello {"environment":"staging"} <nil>
	// <nil> <nil>
}
