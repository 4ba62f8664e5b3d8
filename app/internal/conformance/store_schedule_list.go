package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// list returns the IDs of the schedules of a query.
func (s *suite) list(q contract.ScheduleQuery) []string {
	s.Helper()
	return scheduleIDs(must(s.StoredSchedules(s.ctx, q))(s))
}

func (s *suite) due10(until time.Time, except ...string) string {
	s.Helper()
	return strings.Join(scheduleIDs(must(s.DueSchedules(s.ctx, until, except, 10))(s)), " ")
}

// at makes a schedule whose first slot is at an hour.
func (s *suite) at(id, job string, hour float64, change ...func(*contract.PutSchedule)) {
	s.Helper()
	s.made(s.hourly(id, job, append(change, func(p *contract.PutSchedule) { p.From = day(hour) })...), contract.PutCreated)
}

var listingCases = map[string]func(*suite){
	"by ID, page by page": func(s *suite) {
		var puts []contract.PutSchedule
		var want []string
		for i := range 30 {
			for _, id := range []string{fmt.Sprintf("t/%d", i), fmt.Sprintf("T-%d é", i)} {
				puts, want = append(puts, s.hourly(id, "a")), append(want, id)
			}
		}
		s.put(puts...)
		slices.Sort(want) // by bytes, so that every database has the same order
		if got := s.list(contract.ScheduleQuery{}); !slices.Equal(got, want[:50]) {
			s.Errorf("without a limit: %q, want %q", got, want[:50])
		}
		var paged []string
		for after := ""; ; after = paged[len(paged)-1] {
			page := s.list(contract.ScheduleQuery{Limit: 7, After: after})
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
		}
		if !slices.Equal(paged, want) {
			s.Errorf("pages %q, want %q", paged, want)
		}
		s.deleted(want[6], 0)
		if got := s.list(contract.ScheduleQuery{Limit: 2, After: want[6]}); !slices.Equal(got, want[7:9]) {
			s.Errorf("after a deleted one: %q, want %q", got, want[7:9])
		}
	},
	"by what they are": func(s *suite) {
		meta := func(pairs ...string) func(*contract.PutSchedule) {
			return func(p *contract.PutSchedule) {
				p.Meta = map[string]string{}
				for i := 0; i < len(pairs); i += 2 {
					p.Meta[pairs[i]] = pairs[i+1]
				}
			}
		}
		s.at("tenant-1/daily", "a", 13, meta("plan", "pro", "team", "R&D"))
		s.at("tenant-2/daily", "a", 14, meta("plan", "free"))
		s.at("tenant-3/Weekly", "b", 15, meta("plan", "pro", "team", `50% "off" \o/`))
		s.at("under_score", "b", 16)
		s.paused("tenant-2/daily")
		yes, no := true, false
		for name, c := range map[string]struct {
			q    contract.ScheduleQuery
			want string
		}{
			"all":                 {contract.ScheduleQuery{}, "tenant-1/daily tenant-2/daily tenant-3/Weekly under_score"},
			"IDs":                 {contract.ScheduleQuery{IDs: []string{"under_score", "nothing", "tenant-1/daily"}}, "tenant-1/daily under_score"},
			"job":                 {contract.ScheduleQuery{Job: "b"}, "tenant-3/Weekly under_score"},
			"no job":              {contract.ScheduleQuery{Job: "nobody"}, ""},
			"search":              {contract.ScheduleQuery{Search: "daily"}, "tenant-1/daily tenant-2/daily"},
			"search in any case":  {contract.ScheduleQuery{Search: "wEEK"}, "tenant-3/Weekly"},
			"search a value":      {contract.ScheduleQuery{Search: "Pro"}, "tenant-1/daily tenant-3/Weekly"},
			"search a sign":       {contract.ScheduleQuery{Search: "r&d"}, "tenant-1/daily"},
			"search a wildcard":   {contract.ScheduleQuery{Search: "%"}, "tenant-3/Weekly"},
			"search another":      {contract.ScheduleQuery{Search: "r_s"}, "under_score"},
			"search no wildcard":  {contract.ScheduleQuery{Search: "tenant_1"}, ""},
			"search quotes":       {contract.ScheduleQuery{Search: `"OFF"`}, "tenant-3/Weekly"},
			"search a backslash":  {contract.ScheduleQuery{Search: `\O`}, "tenant-3/Weekly"},
			"search no key":       {contract.ScheduleQuery{Search: "plan"}, ""},
			"search no job":       {contract.ScheduleQuery{Search: "hourly"}, ""},
			"meta":                {contract.ScheduleQuery{Meta: map[string]string{"plan": "pro"}}, "tenant-1/daily tenant-3/Weekly"},
			"meta of two":         {contract.ScheduleQuery{Meta: map[string]string{"plan": "pro", "team": "R&D"}}, "tenant-1/daily"},
			"meta with signs":     {contract.ScheduleQuery{Meta: map[string]string{"team": `50% "off" \o/`}}, "tenant-3/Weekly"},
			"meta as it is":       {contract.ScheduleQuery{Meta: map[string]string{"plan": "Pro"}}, ""},
			"meta of another key": {contract.ScheduleQuery{Meta: map[string]string{"team": "pro"}}, ""},
			"meta of a part":      {contract.ScheduleQuery{Meta: map[string]string{"plan": "pr"}}, ""},
			"meta of no key":      {contract.ScheduleQuery{Meta: map[string]string{"nothing": ""}}, ""},
			"paused":              {contract.ScheduleQuery{Paused: &yes}, "tenant-2/daily"},
			"not paused":          {contract.ScheduleQuery{Paused: &no}, "tenant-1/daily tenant-3/Weekly under_score"},
			"due after":           {contract.ScheduleQuery{DueAfter: day(15)}, "tenant-3/Weekly under_score"},
			"due before":          {contract.ScheduleQuery{DueBefore: day(15)}, "tenant-1/daily"},
			"due between":         {contract.ScheduleQuery{DueAfter: day(13), DueBefore: day(16)}, "tenant-1/daily tenant-3/Weekly"},
			"together":            {contract.ScheduleQuery{Job: "a", Paused: &no, Search: "tenant", Meta: map[string]string{"plan": "pro"}, DueBefore: day(16)}, "tenant-1/daily"},
			"after":               {contract.ScheduleQuery{After: "tenant-2/daily"}, "tenant-3/Weekly under_score"},
			"after, of a job":     {contract.ScheduleQuery{Job: "b", After: "tenant-3/Weekly"}, "under_score"},
			"limit":               {contract.ScheduleQuery{Job: "a", Limit: 1}, "tenant-1/daily"},
		} {
			s.equal(name, strings.Join(s.list(c.q), " "), c.want)
		}
	},
	"due, the earliest first": func(s *suite) {
		s.at("x", "a", 15)
		s.at("y", "a", 13)
		s.at("z", "b", 14)
		s.at("later", "a", 17)
		s.at("paused", "a", 13, func(p *contract.PutSchedule) { p.Paused = true })
		s.at("over", "a", 13, func(p *contract.PutSchedule) { p.Until = day(12) })
		s.equal("due", s.due10(day(15)), "y z x")
		s.equal("due a moment before", s.due10(day(15).Add(-time.Millisecond)), "y z")
		s.equal("due before any", s.due10(day(12)), "")
		s.equal("except a", s.due10(day(15), "a", "nobody"), "z")
		s.equal("except both", s.due10(day(15), "a", "b"), "")
		got := must(s.DueSchedules(s.ctx, day(15), nil, 2))(s)
		s.equal("limit", strings.Join(scheduleIDs(got), " "), "y z")
		want := s.stored("y")
		if !sameSchedule(&got[0], &want) {
			s.Errorf("due %+v, stored %+v", got[0], want)
		}
		g := s.stored("y")
		s.won(with(s.slot(g, day(13)), func(c *contract.Claim) { c.Watermark, c.Next = day(13), day(14) }), cron.Running, "")
		s.equal("due after a claim", s.due10(day(13)), "")
		s.deleted("z", 0)
		s.equal("due after a deletion", s.due10(day(14)), "y")
	},
	"upcoming": func(s *suite) {
		upcoming := func(schedule, run time.Time) {
			s.Helper()
			got := must(s.Upcoming(s.ctx))(s)
			s.equal("schedule", got.Schedule, schedule)
			s.equal("run", got.Run, run)
		}
		never := time.Time{}
		upcoming(never, never)
		s.at("x", "a", 15)
		s.at("paused", "a", 13, func(p *contract.PutSchedule) { p.Paused = true })
		upcoming(day(15), never)
		s.at("y", "nobody", 14)
		upcoming(day(14), never)
		later := s.deferred("a", day(18))
		first := s.deferred("b", day(17))
		s.won(with(s.hand("c"), func(c *contract.Claim) { c.Status = cron.Queued }), cron.Queued, "")
		upcoming(day(14), day(17))
		must(s.Cancel(s.ctx, first.ID, cron.ReasonRequested, ""))(s)
		upcoming(day(14), day(18))
		s.taken(s.run(later.ID), cron.Queued)
		s.deleted("x", 0)
		s.deleted("y", 0)
		upcoming(never, never)
	},
}
