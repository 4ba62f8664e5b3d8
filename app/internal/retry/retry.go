// Package retry asks again until there is an answer.
package retry

import (
	"context"
	"time"
)

// Until calls do until it succeeds, final says that its error is an answer, or ctx ends. It waits 50 ms after the
// first call, and twice as long after each that follows, up to 2 s. It returns what do has returned last.
func Until(ctx context.Context, final func(error) bool, do func() error) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := do()
		if err == nil || final(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
