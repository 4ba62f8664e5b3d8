package app_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	_ "fibercrons/app/store/sqlite"
)

func settings(t *testing.T, path string) env.Config {
	t.Helper()
	cfg, _, err := env.Load(env.Env(map[string]string{"DATABASE_URL": "sqlite://" + path, "APP_ENV": "test"}), env.File(""))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// A job finds the application in its context, and what it writes is in the database.
func TestJobsHaveTheApplication(t *testing.T) {
	type invoice struct{ ID, Amount int }
	registry := cron.NewRegistry()
	registry.Register("charge", "@yearly", func(ctx context.Context) error {
		if env := app.Config(ctx).AppEnv; env != "test" {
			return fmt.Errorf("APP_ENV is %q", env)
		}
		db := app.DB(ctx)
		if err := db.Migrator().CreateTable(&invoice{}); err != nil {
			return err
		}
		return db.Create(&invoice{Amount: 17}).Error
	})
	a, err := app.New(t.Context(), settings(t, filepath.Join(t.TempDir(), "crons.db")), registry, app.Log(slog.New(slog.DiscardHandler)))
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.Crons.Trigger(t.Context(), "charge", scheduler.Request{})
	if err == nil {
		run, err = a.Crons.Await(t.Context(), run.ID)
	}
	if err != nil || run.Status != cron.Succeeded {
		t.Errorf("the run %s: %s (%v)", run.Status, run.Error, err)
	}
	var found invoice
	if err := app.DB(a.Context(t.Context())).First(&found).Error; err != nil || found.Amount != 17 {
		t.Errorf("found %+v (%v)", found, err)
	}
	if err := errors.Join(a.Crons.Close(t.Context()), a.Close()); err != nil {
		t.Error(err)
	}
}

// What a job's dead man's switch is to hear is sent before the application is closed.
func TestPingsAreSent(t *testing.T) {
	said := make(chan string, 10)
	hc := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		said <- r.URL.Path + " " + string(body)
	}))
	defer hc.Close()
	cfg := settings(t, filepath.Join(t.TempDir(), "crons.db"))
	cfg.AlertAllowedHosts = []string{"127.0.0.1"}
	log := slog.New(cron.LogHandler(slog.DiscardHandler))
	registry := cron.NewRegistry()
	registry.Register("backup", "@yearly", func(ctx context.Context) error {
		log.InfoContext(ctx, "12 files")
		return errors.New("the disk is full")
	}, cron.Ping(hc.URL+"/uuid"))
	a, err := app.New(t.Context(), cfg, registry, app.Log(log))
	if err != nil {
		t.Fatal(err)
	}
	run, err := a.Crons.Trigger(t.Context(), "backup", scheduler.Request{})
	if err == nil {
		_, err = a.Crons.Await(t.Context(), run.ID)
	}
	if err := errors.Join(err, a.Crons.Close(t.Context()), a.Close()); err != nil {
		t.Error(err)
	}
	if len(said) != 2 {
		t.Fatalf("%d pings", len(said))
	}
	if first := <-said; first != "/uuid/start " {
		t.Errorf("first %q", first)
	}
	if then := <-said; !strings.HasPrefix(then, "/uuid/fail backup: failed in ") || !strings.Contains(then, ": the disk is full\n") || !strings.Contains(then, " INFO 12 files\n") {
		t.Errorf("then %q", then)
	}
}

func TestOutsideOfARunThereIsNoDatabase(t *testing.T) {
	defer func() {
		if said := fmt.Sprint(recover()); !strings.Contains(said, "hand on the ctx") {
			t.Errorf("it says %q", said)
		}
	}()
	app.DB(t.Context())
}

func TestMistakesComeBeforeAnyFile(t *testing.T) {
	registry := cron.NewRegistry()
	registry.Register("runs", "61 * * * *", func(context.Context) error { return nil })
	path := filepath.Join(t.TempDir(), "data", "crons.db")
	_, err := app.New(t.Context(), settings(t, path), registry)
	if mistakes, ok := errors.AsType[*cron.Mistakes](err); !ok || len(mistakes.List) != 2 {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}

func TestReadOnlyMakesNoFile(t *testing.T) {
	registry := cron.NewRegistry()
	registry.Register("charge", "@yearly", func(context.Context) error { return nil })
	path := filepath.Join(t.TempDir(), "data", "crons.db")
	a, err := app.New(t.Context(), settings(t, path), registry, app.ReadOnly())
	if err != nil {
		t.Fatal(err)
	}
	if jobs, err := a.Crons.Jobs(t.Context(), ops.Filter{}); err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs (%v)", len(jobs), err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder was made (%v)", err)
	}
}

// Redis that is away delays no start, and is told of without its password. With a file of its own the
// application is then not ready; runs by hand work.
func TestRedisIsAway(t *testing.T) {
	cfg, _, err := env.Load(env.File(""), env.Env(map[string]string{
		"DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "crons.db"), "REDIS_URL": "redis://:hunter2@127.0.0.1:1",
	}))
	if err != nil {
		t.Fatal(err)
	}
	registry := cron.NewRegistry()
	registry.Register("charge", "@yearly", func(context.Context) error { return nil })
	var said strings.Builder
	a, err := app.New(t.Context(), cfg, registry, app.Log(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	for deadline := time.Now().Add(time.Minute); a.Redis.Peers().Gate.Err() == nil && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	if err := a.Crons.Ready(t.Context()); err == nil || a.Crons.Degraded() == nil {
		t.Errorf("ready %v, degraded %v", err, a.Crons.Degraded())
	}
	run, err := a.Crons.Trigger(t.Context(), "charge", scheduler.Request{})
	if err == nil {
		run, err = a.Crons.Await(t.Context(), run.ID)
	}
	if err != nil || run.Status != cron.Succeeded {
		t.Errorf("the run %s: %s (%v)", run.Status, run.Error, err)
	}
	stop()
	if err := errors.Join(<-ended, a.Close()); err != nil {
		t.Error(err)
	}
	if text := said.String(); strings.Count(text, "redis is lost") != 1 || strings.Contains(text, "hunter2") {
		t.Errorf("the log says %s", text)
	}
}
