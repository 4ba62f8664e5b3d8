package store_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/store"
)

func TestMain(m *testing.M) {
	const toxiproxy = "github.com/Shopify/toxiproxy/v2"
	goleak.VerifyTestMain(m,
		// A toxic that is taken away with data under way leaves who was to pass it on.
		goleak.IgnoreAnyFunction(toxiproxy+"/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).read"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).write"),
		goleak.IgnoreAnyFunction(toxiproxy+".(*ToxicLink).RemoveToxic.func1"))
}

func TestConformance(t *testing.T) {
	conformance.Store(t, func(t *testing.T) contract.Store { return open(t, file(t)) })
}

func TestConformanceInMemory(t *testing.T) {
	conformance.Store(t, func(t *testing.T) contract.Store { return openURL(t, "sqlite::memory:") })
}

// Each store in memory is a database of its own, read-only it is empty, and a connection that breaks takes nothing along.
func TestMemory(t *testing.T) {
	a, b := openURL(t, "sqlite::memory:"), openURL(t, "sqlite::memory:")
	for _, s := range []*store.Store{a, b} {
		if err := s.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
			t.Fatal(err) // also if the other's were seen
		}
	}
	if err := a.DB().Exec("INSERT INTO mine VALUES (1)").Error; err != nil {
		t.Fatal(err)
	}
	pool, err := a.DB().DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxIdleConns(0) // closes them all
	var n int
	if err := a.DB().Raw("SELECT n FROM mine").Scan(&n).Error; err != nil || n != 1 {
		t.Errorf("read %d, %v", n, err)
	}
	empty, err := store.Open(t.Context(), store.Options{URL: "sqlite::memory:", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if states, err := empty.States(t.Context()); !empty.Absent() || len(states) != 0 || err != nil {
		t.Errorf("read-only: absent %t, %v, %v", empty.Absent(), states, err)
	}
	if err := empty.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err == nil {
		t.Error("a read-only database in memory takes a table, which would be lost")
	}
}

// Every transaction fails in turn before it begins, before it commits, and after it has
// committed with the acknowledgement lost; the contract must hold all the same.
func TestConformanceWithBrokenConnection(t *testing.T) {
	conformance.Store(t, func(t *testing.T) contract.Store {
		s := open(t, file(t))
		var broken atomic.Int64
		s.Tamper(func(point string, _ []string) error {
			n := broken.Add(1)
			if (point == "begin" && n%7 == 0) || (point == "commit" && n%5 == 0) || (point == "committed" && n%3 == 0) {
				return fmt.Errorf("%s: %w", point, driver.ErrBadConn)
			}
			return nil
		})
		return s
	})
}

func TestSharing(t *testing.T) {
	conformance.Replicas(t, func(t *testing.T) []contract.Store {
		path := file(t)
		return []contract.Store{open(t, path), open(t, path), open(t, path)}
	})
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "data", "crons.db") }

func open(t testing.TB, path string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path, RetryFor: time.Minute})
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
