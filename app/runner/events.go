package runner

import (
	"sync"

	"fibercrons/app/contract"
)

// Events is how those who watch this process learn what happens in it. All fields may be left empty.
type Events struct {
	// Observe is called with every event, with one at a time, and must not block.
	Observe func(contract.Event)
	// Notify is called after every change, and must not block.
	Notify func()

	mu sync.Mutex
}

// Wanted says whether events are looked at, for those who would have to make them.
func (e *Events) Wanted() bool { return e.Observe != nil }

// Tell hands an event on.
func (e *Events) Tell(ev contract.Event) {
	if e.Observe != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.Observe(ev)
	}
}

// Changed says that something has changed. It costs next to nothing when nobody wants to know.
func (e *Events) Changed() {
	if e.Notify != nil {
		e.Notify()
	}
}
