package metrics

import "time"

// Forget makes the next answer a new one, and with store one that asks the store.
func (m *Metrics) Forget(store bool) {
	m.answers.mu.Lock()
	m.answers.gathered = time.Time{}
	m.answers.mu.Unlock()
	if store {
		m.gauges.mu.Lock()
		m.gauges.asked = time.Time{}
		m.gauges.mu.Unlock()
	}
}
