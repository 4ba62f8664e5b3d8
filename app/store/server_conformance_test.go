package store_test

import (
	"database/sql/driver"
	"fmt"
	"sync/atomic"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
)

func TestServerConformance(t *testing.T) {
	onServers(t, func(t *testing.T, k kind) {
		conformance.Store(t, func(t *testing.T) contract.Store { return openURL(t, k.url(t)) })
	})
}

// As TestConformanceWithBrokenConnection.
func TestServerConformanceWithBrokenConnection(t *testing.T) {
	onServers(t, func(t *testing.T, k kind) {
		conformance.Store(t, func(t *testing.T) contract.Store {
			s := openURL(t, k.url(t))
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
	onServers(t, func(t *testing.T, k kind) {
		conformance.Replicas(t, func(t *testing.T) []contract.Store {
			url := k.url(t)
			return []contract.Store{openURL(t, url), openURL(t, url), openURL(t, url)}
		})
	})
}
