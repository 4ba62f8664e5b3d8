// Package memo remembers results by key.
package memo

import "sync"

// most is how many results are kept. Callers choose some keys, so it is bounded.
const most = 32

// Memo is a function of a text that remembers its results, but no errors. It may compute one twice.
type Memo[V any] struct {
	compute func(key string) (V, error)

	mu   sync.Mutex
	kept map[string]V
}

// New returns a Memo of compute.
func New[V any](compute func(key string) (V, error)) *Memo[V] { return &Memo[V]{compute: compute} }

// Get returns what compute returns for key.
func (m *Memo[V]) Get(key string) (V, error) {
	m.mu.Lock()
	v, ok := m.kept[key]
	m.mu.Unlock()
	if ok {
		return v, nil
	}
	v, err := m.compute(key)
	if err != nil {
		return v, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept == nil || len(m.kept) >= most {
		m.kept = map[string]V{}
	}
	m.kept[key] = v
	return v, nil
}
