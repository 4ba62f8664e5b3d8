package river_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/river"
)

// database makes a database of the test's own and returns its URL.
func database(t *testing.T) string {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		t.Skip("TEST_POSTGRES_URL is not set: River is not tested")
	}
	ctx := context.Background()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("TEST_POSTGRES_URL is not a URL")
	}
	name := "river_" + uuid.New().String()[:8]
	do := func(sql string) {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Error(err)
		}
	}
	do(fmt.Sprintf("CREATE DATABASE %s", name))
	t.Cleanup(func() { do(fmt.Sprintf("DROP DATABASE IF EXISTS %s WITH (FORCE)", name)) })
	u.Path = "/" + name
	return u.String()
}

// connect opens an executor that is closed with the test.
func connect(t *testing.T, url string) *river.Executor {
	t.Helper()
	e, err := river.Open(context.Background(), river.Options{URL: url, Workers: 16, Rescue: 5 * time.Second})
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
		url := database(t)
		return func() contract.Executor { return connect(t, url) }
	})
}
