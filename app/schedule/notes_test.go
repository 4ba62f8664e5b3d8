package schedule_test

import (
	"testing"
	"time"

	"fibercrons/app/schedule"
)

func TestNotes(t *testing.T) {
	type note struct {
		at   string
		kind schedule.NoteKind
		text string
	}
	for _, c := range []struct {
		zone, expr string
		year       int
		want       []note
	}{
		// Nothing to say: no clock is moved, or nobody feels it.
		{"UTC", "30 2 * * *", 2026, nil},
		{"Asia/Kolkata", "30 2 * * *", 2026, nil},
		{"America/New_York", "0 9 * * *", 2026, nil},
		{"America/New_York", "*/5 * * * *", 2026, nil},
		{"America/New_York", "@hourly", 2026, nil},
		{"America/New_York", "@every 30m", 2026, nil},
		{"America/New_York", "@at 2026-03-08T07:30:00Z", 2026, nil},
		{"America/New_York", "30 2 * * 1-6", 2026, nil}, // the clock is moved on Sundays

		{"America/New_York", "30 2 * * *", 2026, []note{{
			"2026-03-08T03:00:00-04:00", schedule.Moved,
			"02:30 does not exist on Sunday 8 March 2026 in America/New_York, when the clock goes forward from 02:00 to 03:00: the job runs at 03:00 instead.",
		}}},
		{"America/New_York", "0,15,30,45 2 * * *", 2026, []note{{
			"2026-03-08T03:00:00-04:00", schedule.Moved,
			"02:00, 02:15 and 2 more times do not exist on Sunday 8 March 2026 in America/New_York, when the clock goes forward from 02:00 to 03:00: one run at 03:00 stands for them.",
		}}},
		{"America/New_York", "0 */2 * * *", 2026, []note{{
			"2026-03-08T03:00:00-04:00", schedule.Dropped,
			"02:00 does not exist on Sunday 8 March 2026 in America/New_York, when the clock goes forward from 02:00 to 03:00: that run is dropped.",
		}}},
		{"America/New_York", "*/20 1,2 * * *", 2026, []note{
			{
				"2026-03-08T03:00:00-04:00", schedule.Dropped,
				"02:00, 02:20 and 02:40 do not exist on Sunday 8 March 2026 in America/New_York, when the clock goes forward from 02:00 to 03:00: those runs are dropped.",
			},
			{
				"2026-11-01T01:00:00-05:00", schedule.Repeated,
				"01:00, 01:20 and 01:40 come twice on Sunday 1 November 2026 in America/New_York, when the clock goes back from 02:00 to 01:00: the job runs both times.",
			},
		}},
		{"America/New_York", "*/10 1 * * *", 2026, []note{{
			"2026-11-01T01:00:00-05:00", schedule.Repeated,
			"01:00, 01:10 and 4 more times come twice on Sunday 1 November 2026 in America/New_York, when the clock goes back from 02:00 to 01:00: the job runs both times.",
		}}},
		{"America/New_York", "30 1 * * *", 2026, []note{{
			"2026-11-01T01:00:00-05:00", schedule.Once,
			"01:30 comes twice on Sunday 1 November 2026 in America/New_York, when the clock goes back from 02:00 to 01:00: the job runs the first time only.",
		}}},
		// The table of this zone ends on that day in January, and a rule begins.
		{"America/Metlakatla", "30 1 * 1 *", 2019, []note{{
			"2019-01-20T01:00:00-09:00", schedule.Once,
			"01:30 comes twice on Sunday 20 January 2019 in America/Metlakatla, when the clock goes back from 02:00 to 01:00: the job runs the first time only.",
		}}},
		{"Australia/Lord_Howe", "15 * * * *", 2026, []note{{
			"2026-10-04T02:30:00+11:00", schedule.Dropped,
			"02:15 does not exist on Sunday 4 October 2026 in Australia/Lord_Howe, when the clock goes forward from 02:00 to 02:30: that run is dropped.",
		}}},
		{"Pacific/Apia", "0 9 30 12 *", 2011, []note{{
			"2011-12-31T00:00:00+14:00", schedule.Dropped,
			"09:00 does not exist on Friday 30 December 2011 in Pacific/Apia, when the clock goes forward from 00:00 on 30 December to 00:00 on 31 December: that run is dropped.",
		}}},
	} {
		s := parse(t, "TZ="+c.zone+" "+c.expr, nil)
		from := time.Date(c.year, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, n := range c.want {
			if n.kind != schedule.Once {
				continue
			}
			at, _ := time.Parse(time.RFC3339, n.at)
			for slot := range s.Between(at.Add(-1), at.Add(time.Hour-1)) {
				t.Errorf("%q in %s: %s is run again: %s", c.expr, c.zone, slot, n.text)
			}
		}
		var got []note
		for _, n := range s.Notes(from, from.AddDate(1, 0, 0)) {
			if n.String() != n.Text || n.At.Location().String() != c.zone {
				t.Errorf("%q: %+v", c.expr, n)
			}
			got = append(got, note{n.At.Format(time.RFC3339), n.Kind, n.Text})
		}
		if len(got) != len(c.want) {
			t.Errorf("%q in %s: %d notes, want %d: %v", c.expr, c.zone, len(got), len(c.want), got)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%q in %s:\n got %v\nwant %v", c.expr, c.zone, got[i], c.want[i])
			}
		}
	}
}

// TestNotesSpan holds Notes to its bounds: (from, until].
func TestNotesSpan(t *testing.T) {
	s := parse(t, "TZ=America/New_York 30 2 * * *", nil)
	at := time.Date(2026, 3, 8, 7, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		from, until time.Time
		want        int
	}{
		{at.Add(-1), at, 1},
		{at, at.Add(time.Hour), 0},
		{at.Add(-time.Hour), at.Add(-1), 0},
		{at, at.Add(-time.Hour), 0},
		{at.Add(-time.Hour), at.AddDate(10, 0, 0), 10},
	} {
		if got := len(s.Notes(c.from, c.until)); got != c.want {
			t.Errorf("(%v, %v]: %d notes, want %d", c.from, c.until, got, c.want)
		}
	}
}

// TestNotesTellTheTruth compares what a note claims with what Next does.
func TestNotesTellTheTruth(t *testing.T) {
	r := newRand(t)
	zones := zoneNames(t)
	notes := 0
	for range 2000 {
		loc := load(t, zones[r.IntN(len(zones))])
		s, err := schedule.Parse(randomExpr(r, false), schedule.Options{Location: loc, Seed: "job"})
		if err != nil {
			continue
		}
		from := time.Date(1970+r.IntN(60), 1, 1, 0, 0, 0, 0, time.UTC)
		for _, n := range s.Notes(from, from.AddDate(3, 0, 0)) {
			notes++
			next, _ := s.Next(n.At.Add(-time.Nanosecond))
			_, before := n.At.Add(-time.Second).Zone()
			_, now := n.At.Zone()
			switch n.Kind {
			case schedule.Moved:
				if !next.Equal(n.At) {
					t.Fatalf("%s: %v; the job runs at %v", s, n, next)
				}
			case schedule.Dropped:
				if now <= before {
					t.Fatalf("%s: %v; the clock was not put forward", s, n)
				}
			case schedule.Repeated, schedule.Once:
				// In the repeated stretch a slot is one that is run again.
				end := n.At.Add(time.Duration(before-now) * time.Second)
				again := 0
				for range s.Between(n.At.Add(-1), end.Add(-1)) {
					again++
				}
				if again > 0 != (n.Kind == schedule.Repeated) {
					t.Fatalf("%s: %v; %d slots in the repeated stretch", s, n, again)
				}
			}
		}
	}
	t.Logf("%d notes, all true", notes)
	if notes < 100 {
		t.Errorf("only %d notes", notes)
	}
}
