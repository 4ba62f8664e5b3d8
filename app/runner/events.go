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

// Tell passes an event to the observer, and reports a change. Without an observer the event is not made.
func (e *Events) Tell(event func() contract.Event) {
	if e.Observe != nil {
		e.mu.Lock()
		e.Observe(event())
		e.mu.Unlock()
	}
	e.Changed()
}

// Changed reports a change that is no event. It is cheap without a Notify.
func (e *Events) Changed() {
	if e.Notify != nil {
		e.Notify()
	}
}
