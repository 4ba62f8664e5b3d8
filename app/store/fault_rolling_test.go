//go:build unix

package store_test

import "time"

func editedEvery(version int) time.Duration {
	return []time.Duration{100, 130, 170}[version%3] * time.Millisecond
}
