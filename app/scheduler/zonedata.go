package scheduler

import (
	"slices"
	"time"

	"fibercrons/app/internal/millis"
)

// compareEvery is how many signs of life there are between two looks at the others' time-zone data.
const compareEvery = 6

// compareZones warns when a process that lives has other time-zone data: both then compute different slots
// for a job in a zone whose rules differ, and one can run twice. It is of beating alone.
func (s *Scheduler) compareZones() {
	list, err := s.store.Instances(s.work)
	if err != nil {
		return // beat reports it
	}
	var others []string
	now := millis.Now()
	for _, i := range list {
		lives := i.StoppedAt.IsZero() && now.Sub(i.SeenAt) < 2*max(s.cfg.Lease, time.Second)
		if lives && i.TZData != "" && i.TZData != s.instance.TZData && !slices.Contains(others, i.TZData) {
			others = append(others, i.TZData)
		}
	}
	slices.Sort(others)
	if len(others) > 0 && !slices.Equal(others, s.others) {
		s.log.Warn("other processes on this database have other time-zone data, so that slots in some zones differ: run the same build everywhere, or with CRON_TZDATA=host the same zone files",
			"tzdata", s.instance.TZData, "others", others)
	}
	s.others = others
}
