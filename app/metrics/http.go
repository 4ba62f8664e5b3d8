package metrics

import (
	"strconv"
	"time"
)

// Request counts a request that was answered. route is the pattern it went to, never its path. took
// below zero leaves the duration out, as of a stream, which ends when its reader wants it to.
func (m *Metrics) Request(method, route string, code int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(code)).Inc()
	if took >= 0 {
		m.durations.WithLabelValues(method, route).Observe(took.Seconds())
	}
}
