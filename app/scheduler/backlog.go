package scheduler

import "slices"

// backlog is the jobs that may have a due slot, in order of arrival.
type backlog struct {
	arrived []arrivals
}

// arrivals are jobs that arrived at one instant. Some of them may not be due; pull checks each.
type arrivals struct {
	entries []*entry
	at      int64 // instant of arrival, in ms
}

func (l *backlog) empty() bool { return len(l.arrived) == 0 }

func (l *backlog) push(entries []*entry, at int64) {
	l.arrived = append(l.arrived, arrivals{entries, at})
}

// pop returns the next job and its instant of arrival; nil: none.
func (l *backlog) pop() (*entry, int64) {
	for len(l.arrived) > 0 {
		st := &l.arrived[0]
		if len(st.entries) > 0 {
			e := st.entries[0]
			st.entries = st.entries[1:]
			return e, st.at
		}
		l.arrived = slices.Delete(l.arrived, 0, 1)
	}
	return nil, 0
}

// forget drops the arrivals before at.
func (l *backlog) forget(at int64) {
	l.arrived = slices.DeleteFunc(l.arrived, func(st arrivals) bool { return st.at < at })
}
