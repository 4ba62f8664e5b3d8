package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gormdb "gorm.io/gorm"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
)

type reportArgs struct {
	Tenant string `json:"tenant"`
	Copies int    `json:"copies"`
}

// One job, a schedule for each tenant, made while the program runs; and a run for later.
func ExampleSchedules() {
	sent := make(chan string, 10)
	jobs := cron.NewRegistry()
	jobs.Register("send-report", cron.OnDemand, func(ctx context.Context) error {
		args := cron.ArgsFrom[reportArgs](ctx)
		sent <- fmt.Sprintf("%d copies for %s by %q", args.Copies, args.Tenant, cron.RunFrom(ctx).Schedule())
		return nil
	}, cron.Args(reportArgs{Copies: 1}))

	cfg, _, err := env.New(env.Config{Database: env.Database{Driver: env.SQLite, Path: ":memory:"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	a, err := app.New(ctx, cfg, jobs, app.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()

	here := a.Context(ctx) // a job has such a context, and c.UserContext() of a route is one
	schedules := app.Schedules(here)
	soon := time.Now().Add(time.Second).UTC().Format(time.RFC3339Nano)
	for range 2 {
		fmt.Println(schedules.Put(here, cron.Schedule{
			ID: "acme/report", Job: "send-report", Expr: "@at " + soon[:19] + ".999Z", Args: reportArgs{Tenant: "acme", Copies: 2},
		}))
	}
	fmt.Println(<-sent)

	run, err := app.Enqueue(here, "send-report", reportArgs{Tenant: "zebra", Copies: 3}, cron.At(time.Now().Add(100*time.Millisecond)))
	fmt.Println(run.Status, err)
	fmt.Println(<-sent)

	stop()
	fmt.Println(<-ended, a.Close())
	// Output:
	// created <nil>
	// unchanged <nil>
	// 2 copies for acme by "acme/report"
	// queued <nil>
	// 3 copies for zebra by ""
	// <nil> <nil>
}

// begun is an application that runs until the test ends, with jobs that send what they get.
func begun(t *testing.T) (a *app.App, ctx context.Context, sent chan string) {
	t.Helper()
	sent = make(chan string, 1000)
	registry := cron.NewRegistry()
	registry.Register("send", cron.OnDemand, func(ctx context.Context) error {
		sent <- cron.ArgsFrom[reportArgs](ctx).Tenant
		return nil
	}, cron.Args(reportArgs{}), cron.Overlap(cron.Allow))
	a, err := app.New(t.Context(), settings(t, filepath.Join(t.TempDir(), "crons.db")), registry, app.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(running) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	})
	ctx = a.Context(t.Context())
	return a, ctx, sent
}

// What is put and enqueued in a transaction of the user's exists with the user's own rows, or not at all.
func TestSchedulesInATransaction(t *testing.T) {
	_, ctx, sent := begun(t)
	type invoice struct{ ID, Amount int }
	db := app.DB(ctx)
	if err := db.Migrator().CreateTable(&invoice{}); err != nil {
		t.Fatal(err)
	}
	work := func(tx *gormdb.DB, tenant string) error {
		_, err1 := app.EnqueueTx(tx, "send", reportArgs{Tenant: tenant + " now"}, cron.Key(tenant))
		_, err2 := app.SchedulesTx(tx).Put(ctx, cron.Schedule{
			ID: tenant, Job: "send", Expr: "@every 1s", Args: reportArgs{Tenant: tenant + " stored"}, MaxRuns: 1,
		})
		return errors.Join(err1, err2, tx.Create(&invoice{Amount: 1}).Error)
	}
	gone := errors.New("no")
	err := db.Transaction(func(tx *gormdb.DB) error { return errors.Join(work(tx, "a"), gone) })
	if !errors.Is(err, gone) || err.Error() != gone.Error() {
		t.Errorf("the transaction that is rolled back: %v", err)
	}
	if err := db.Transaction(func(tx *gormdb.DB) error { return work(tx, "b") }); err != nil {
		t.Fatal(err)
	}
	var got []string
	for range 2 {
		select {
		case tenant := <-sent:
			got = append(got, tenant)
		case <-time.After(20 * time.Second):
			t.Fatalf("only %q were sent", got)
		}
	}
	slices.Sort(got)
	if want := []string{"b now", "b stored"}; !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
	time.Sleep(1500 * time.Millisecond) // another slot of what must not exist
	if len(sent) > 0 {
		t.Errorf("sent %q, too", <-sent)
	}
	var invoices int64
	if err := db.Model(&invoice{}).Count(&invoices).Error; err != nil || invoices != 1 {
		t.Errorf("%d invoices, %v", invoices, err)
	}
	if _, err := app.Schedules(ctx).Get(ctx, "a"); !errors.Is(err, cron.ErrNotFound) {
		t.Errorf("the schedule of the transaction that was rolled back: %v", err)
	}

	if _, err := app.SchedulesTx(db).Put(ctx, cron.Schedule{ID: "c", Job: "send", Expr: "@daily"}); err == nil || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("a handle that is no transaction: %v", err)
	}
	if _, err := app.EnqueueTx(db, "send", nil); err == nil || !strings.Contains(err.Error(), "transaction") {
		t.Errorf("a handle that is no transaction: %v", err)
	}
}

// PutAll takes any number of schedules and ends at the first mistake; the rest reads and changes them one by one.
func TestSchedulesOfAProgram(t *testing.T) {
	_, ctx, _ := begun(t)
	s := app.Schedules(ctx)
	all := func(n, wrong int) func(func(cron.Schedule) bool) {
		return func(yield func(cron.Schedule) bool) {
			for i := range n {
				g := cron.Schedule{ID: fmt.Sprintf("tenant-%05d", i), Job: "send", Expr: "0 3 * * *", Meta: map[string]string{"plan": []string{"free", "pro"}[i%2]}}
				if i == wrong {
					g.Expr = "61 * * * *"
				}
				if !yield(g) {
					return
				}
			}
		}
	}
	if got, err := s.PutAll(ctx, all(2500, -1)); err != nil || got.Created != 2500 {
		t.Fatalf("%+v, %v", got, err)
	}
	if got, err := s.PutAll(ctx, all(2600, -1)); err != nil || got.Created != 100 || got.Unchanged != 2500 {
		t.Errorf("%+v, %v", got, err)
	}
	var wrong *cron.ArgsError
	if got, err := s.PutAll(ctx, all(5000, 4500)); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "tenant-04500") || got.Created != 1400 || got.Unchanged != 2600 {
		t.Errorf("with a mistake: %+v, %v", got, err)
	}
	n, cursor := 0, ""
	for {
		page, err := s.List(ctx, contract.ScheduleQuery{Job: "send", Meta: map[string]string{"plan": "pro"}, Limit: 700}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Items)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if n != 2000 {
		t.Errorf("%d schedules with the plan pro, want 2000", n)
	}
	const id = "tenant-00001"
	if err := s.Pause(ctx, id); err != nil {
		t.Error(err)
	}
	if g, err := s.Get(ctx, id); err != nil || !g.Paused || g.NextRun != nil {
		t.Errorf("%+v, %v", g, err)
	}
	if err := errors.Join(s.Resume(ctx, id), s.PauseUntil(ctx, id, time.Now().Add(time.Hour), "moving"), s.Delete(ctx, id)); err != nil {
		t.Error(err)
	}
	if _, err := s.Get(ctx, id); !errors.Is(err, cron.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	for what, err := range map[string]error{"pause": s.Pause(ctx, id), "resume": s.Resume(ctx, id), "delete": s.Delete(ctx, id)} {
		if !errors.Is(err, cron.ErrNotFound) {
			t.Errorf("%s of what is not there: %v", what, err)
		}
	}
	if _, err := app.Enqueue(ctx, "sned", nil); !errors.Is(err, cron.ErrNotFound) {
		t.Errorf("of no job: %v", err)
	}
	if _, err := app.Enqueue(ctx, "send", map[string]int{"colour": 1}); !errors.As(err, &wrong) {
		t.Errorf("with wrong arguments: %v", err)
	}
}
