package runner

import (
	"sync"

	"fibercrons/app/contract"
)

// Events notifies observers of this process. All fields are optional.
type Events struct {
	// Observe is called with every event, one at a time, and must not block.
	Observe func(contract.Event)
	// Notify is called after every change and must not block.
	Notify func()

	mu sync.Mutex
}

// Wanted reports whether there is an observer, so that callers can skip making events.
func (e *Events) Wanted() bool { return e.Observe != nil }

// Tell passes an event to the observer.
func (e *Events) Tell(ev contract.Event) {
	if e.Observe != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.Observe(ev)
	}
}

// Changed reports a change. It is cheap without a Notify.
func (e *Events) Changed() {
	if e.Notify != nil {
		e.Notify()
	}
}
