package metrics

import (
	"strconv"
	"time"
)

// Request counts an answered request. route is its pattern, never its path. A negative took leaves out the duration, as
// for streams, which the reader ends.
func (m *Metrics) Request(method, route string, code int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(code)).Inc()
	if took >= 0 {
		m.durations.WithLabelValues(method, route).Observe(took.Seconds())
	}
}
