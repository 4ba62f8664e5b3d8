package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"fibercrons/app"
	_ "fibercrons/app/asynq"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	_ "fibercrons/app/redis"
	"fibercrons/app/scheduler"
)

// Two applications on one database and one queue, told by the environment who does what.
func TestRolesShareTheWork(t *testing.T) {
	server := os.Getenv("TEST_REDIS_URL")
	if server == "" {
		t.Skip("TEST_REDIS_URL is not set: CRON_EXECUTOR is not tested")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("TEST_REDIS_URL is not a URL")
	}
	u.Path = "/10"
	prefix := "test-" + filepath.Base(t.TempDir()) + "-" + strconv.Itoa(os.Getpid())
	t.Cleanup(func() {
		o, err := redis.ParseURL(u.String())
		if err != nil {
			t.Fatal("TEST_REDIS_URL is not a URL")
		}
		c := redis.NewClient(o)
		defer func() { _ = c.Close() }()
		ctx := context.Background()
		keys, err := c.Keys(ctx, "asynq:{"+prefix+"}:*").Result()
		if err == nil && len(keys) > 0 {
			err = c.Del(ctx, keys...).Err()
		}
		if err := errors.Join(err, c.SRem(ctx, "asynq:queues", prefix).Err()); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(t.TempDir(), "crons.db")
	registry := cron.NewRegistry()
	registry.Register("job", "0 0 1 1 *", func(context.Context) error { return nil })
	open := func(role string, options ...app.Option) *app.App {
		cfg, _, err := env.Load(env.File(""), env.Env(map[string]string{
			"DATABASE_URL": "sqlite://" + path, "REDIS_URL": u.String(), "CRON_EXECUTOR": "asynq", "CRON_ROLE": role, "REDIS_PREFIX": prefix,
		}))
		if err != nil {
			t.Fatal(err)
		}
		a, err := app.New(t.Context(), cfg, registry, append(options, app.Log(slog.New(slog.DiscardHandler)))...)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	run := func(a *app.App) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		var ended sync.WaitGroup
		ended.Go(func() {
			if err := errors.Join(a.Run(ctx), a.Close()); err != nil {
				t.Error(err)
			}
		})
		return func() { cancel(); ended.Wait() }
	}
	ticking, worker := open("scheduler"), open("worker")
	stopScheduler, stopWorker := run(ticking), run(worker)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	trigger := func(a *app.App) cron.Record {
		rec, err := a.Crons.Trigger(ctx, "job", scheduler.Request{})
		if err == nil {
			rec, err = a.Crons.Await(ctx, rec.ID)
		}
		if err != nil || rec.Status != cron.Succeeded {
			t.Fatalf("%+v (%v)", rec, err)
		}
		return rec
	}
	first := trigger(ticking)
	if second := trigger(worker); second.Instance != first.Instance {
		t.Errorf("worked by %s and %s, want the worker both times", first.Instance, second.Instance)
	}
	here := open("scheduler", app.Here())
	if third := trigger(here); third.Instance == first.Instance || here.Queue != nil {
		t.Errorf("a run that was to go on here went through the queue: %+v", third)
	}
	if err := errors.Join(here.Crons.Close(ctx), here.Close()); err != nil {
		t.Error(err)
	}
	stopScheduler()
	stopWorker()
}
