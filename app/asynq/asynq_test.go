package asynq_test

import (
	"context"
	"net/url"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"fibercrons/app/asynq"
	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
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

// queue names a queue of the test's own. Its keys are removed with it, also those of processes that were
// killed.
func queue(t *testing.T, url string) string {
	t.Helper()
	name := "test-" + uuid.New().String()
	t.Cleanup(func() {
		ctx := context.Background()
		o, err := redis.ParseURL(url)
		if err != nil {
			t.Fatal("TEST_REDIS_URL is not a URL")
		}
		c := redis.NewClient(o)
		defer func() { _ = c.Close() }()
		keys, err := c.Keys(ctx, "asynq:{"+name+"}:*").Result()
		if err == nil && len(keys) > 0 {
			err = c.Del(ctx, keys...).Err()
		}
		if err == nil {
			err = c.SRem(ctx, "asynq:queues", name).Err()
		}
		if err != nil {
			t.Error(err)
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
	conformance.Executor(t, func(t *testing.T) func() contract.Executor {
		url := server(t)
		name := queue(t, url)
		return func() contract.Executor { return connect(t, url, name) }
	})
}
