package db_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fibercrons/app/store/db"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openURL opens a database that the test closes.
func openURL(t testing.TB, url string) *db.Database {
	t.Helper()
	return openWith(t, db.Options{URL: url, RetryFor: 30 * time.Second})
}

// bare opens a database whose tables stay as they are.
func bare(t testing.TB, url string) *db.Database {
	t.Helper()
	return openWith(t, db.Options{URL: url, NoMigrate: true})
}

func openWith(t testing.TB, o db.Options) *db.Database {
	t.Helper()
	s, err := db.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
