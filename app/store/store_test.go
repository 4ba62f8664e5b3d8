package store_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/internal/testdb"
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

var file = testdb.File

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

// openURL opens a store that the test closes.
func openURL(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{URL: url, RetryFor: 30 * time.Second})
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
