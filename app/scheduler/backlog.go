package scheduler

import "slices"

// backlog is jobs that may have a slot which is due, in order of arrival.
type backlog struct {
	stretches []stretch
}

// stretch is jobs that came at one instant. Not every one of them has to be due: pull looks at each.
type stretch struct {
	entries []*entry
	at      int64 // when they came, in ms
}

func (l *backlog) empty() bool { return len(l.stretches) == 0 }

func (l *backlog) push(entries []*entry, at int64) {
	l.stretches = append(l.stretches, stretch{entries, at})
}

// pop returns the next job, and the instant at which it came; nil: there is none.
func (l *backlog) pop() (*entry, int64) {
	for len(l.stretches) > 0 {
		st := &l.stretches[0]
		if len(st.entries) > 0 {
			e := st.entries[0]
			st.entries = st.entries[1:]
			return e, st.at
		}
		l.stretches = slices.Delete(l.stretches, 0, 1)
	}
	return nil, 0
}

// forget drops what came before at.
func (l *backlog) forget(at int64) {
	l.stretches = slices.DeleteFunc(l.stretches, func(st stretch) bool { return st.at < at })
}
