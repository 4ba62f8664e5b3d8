package asynq_test

import (
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"
	hibiken "github.com/hibiken/asynq"

	"fibercrons/app/asynq"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// server is Redis in a database of its own, 9, where others of this package's tests are told apart by
// their queues.
func server(t *testing.T) string {
	t.Helper()
	text := os.Getenv("TEST_REDIS_URL")
	if text == "" {
		t.Skip("TEST_REDIS_URL is not set: asynq is not tested")
	}
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal("TEST_REDIS_URL is not a URL")
	}
	u.Path = "/9"
	return u.String()
}

// queue names a queue of the test's own, which is removed with it.
func queue(t *testing.T, url string) string {
	t.Helper()
	name := "test-" + uuid.New().String()
	t.Cleanup(func() {
		opt, err := hibiken.ParseRedisURI(url)
		if err != nil {
			t.Fatal(err)
		}
		i := hibiken.NewInspector(opt)
		defer func() { _ = i.Close() }()
		if err := i.DeleteQueue(name, true); err != nil {
			t.Log(err) // it had no task
		}
	})
	return name
}

// connect opens an executor that is closed with the test.
func connect(t *testing.T, url, queue string) *asynq.Executor {
	t.Helper()
	e, err := asynq.Open(asynq.Options{URL: url, Queue: queue, Workers: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestHandoff(t *testing.T) {
	crontest.Handoff(t, func(t *testing.T) func() cron.Executor {
		url := server(t)
		name := queue(t, url)
		return func() cron.Executor { return connect(t, url, name) }
	})
}
