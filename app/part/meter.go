package part

import (
	"context"
	"net/http"
	"time"

	"fibercrons/app/contract"
)

// Meter counts what happens, for GET /metrics. None of its methods blocks.
type Meter interface {
	// Watch says where the states of a scrape come from: the scheduler, and the number of calls that wait to be written.
	Watch(source Source, queued func() int)
	// Observe counts an event of the scheduler.
	Observe(e contract.Event)
	// Claimed counts the results of a claim call.
	Claimed(c contract.ClaimCall)
	// Committed counts a group of calls written together.
	Committed(calls int, took time.Duration, err error)
	// Request counts an answered request. route is its pattern, never its path. A negative took leaves out the duration.
	Request(method, route string, code int, took time.Duration)
	// Handler answers scrapes.
	Handler() http.Handler
}

// Source provides current states.
type Source interface {
	Stats() contract.Stats
	States(ctx context.Context) (map[string]contract.State, error)
}

// Meters has the part "metrics". jobs are the names of all jobs.
var Meters Kind[func(s Setup, jobs []string) Meter]

// Unmetered is a [Meter] that counts nothing.
var Unmetered Meter = unmetered{}

type unmetered struct{}

func (unmetered) Watch(Source, func() int)                   {}
func (unmetered) Observe(contract.Event)                     {}
func (unmetered) Claimed(contract.ClaimCall)                 {}
func (unmetered) Committed(int, time.Duration, error)        {}
func (unmetered) Request(string, string, int, time.Duration) {}
func (unmetered) Handler() http.Handler                      { return http.NotFoundHandler() }
