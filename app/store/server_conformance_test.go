package store_test

import (
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/internal/testdb"
)

func TestServerConformance(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		conformance.Store(t, func(t *testing.T) contract.Store { return openURL(t, k.URL(t)) })
	})
}

// As TestConformanceWithBrokenConnection.
func TestServerConformanceWithBrokenConnection(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		conformance.Store(t, func(t *testing.T) contract.Store {
			s := openURL(t, k.URL(t))
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
	})
}

func TestServerSharing(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		conformance.Replicas(t, func(t *testing.T) []contract.Store {
			url := k.URL(t)
			return []contract.Store{openURL(t, url), openURL(t, url), openURL(t, url)}
		})
	})
}
