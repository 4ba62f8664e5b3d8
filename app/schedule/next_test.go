package schedule_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

// slots returns the first n slots after an instant, formatted.
func slots(s schedule.Schedule, after time.Time, n int, layout string) []string {
	var out []string
	for t := range s.Between(after, time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)) {
		if out = append(out, t.Format(layout)); len(out) == n {
			break
		}
	}
	return out
}

// TestCrontab5 holds the package to crontab(5) and to what common extensions of
// it mean. Instants are UTC; 1 January 2026 is a Thursday.
func TestCrontab5(t *testing.T) {
	const layout = "2006-01-02 15:04"
	for _, c := range []struct{ expr, after, want string }{
		// The examples of crontab(5).
		{"5 0 * * *", "2026-01-01 00:05", "2026-01-02 00:05, 2026-01-03 00:05"},
		{"15 14 1 * *", "2026-01-01 14:15", "2026-02-01 14:15, 2026-03-01 14:15"},
		{"0 22 * * 1-5", "2026-01-01 22:00", "2026-01-02 22:00, 2026-01-05 22:00"},
		{"23 0-23/2 * * *", "2026-01-01 21:00", "2026-01-01 22:23, 2026-01-02 00:23"},
		{"5 4 * * sun", "2026-01-01 00:00", "2026-01-04 04:05, 2026-01-11 04:05"},
		{"0 4 8-14 * *", "2026-01-14 04:00", "2026-02-08 04:00, 2026-02-09 04:00"},
		{"30 4 1,15 * 5", "2026-01-01 00:00", "2026-01-01 04:30, 2026-01-02 04:30, 2026-01-09 04:30, 2026-01-15 04:30"},

		// The day rule: both restricted, either matches; a star restricts nothing,
		// also with a step, and then both must match.
		{"0 0 13 * FRI", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-09 00:00, 2026-01-13 00:00, 2026-01-16 00:00"},
		{"0 0 */2 * MON", "2026-01-01 00:00", "2026-01-05 00:00, 2026-01-19 00:00, 2026-02-09 00:00"},
		{"0 0 1-7 * */3", "2026-01-01 00:00", "2026-01-03 00:00, 2026-01-04 00:00, 2026-01-07 00:00"},
		{"0 0 ? * MON", "2026-01-01 00:00", "2026-01-05 00:00, 2026-01-12 00:00"},
		{"0 0 13 * ?", "2026-01-01 00:00", "2026-01-13 00:00, 2026-02-13 00:00"},
		{"0 0 ? * ?", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00"},
		{"0 0 1-31 * MON", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00"},

		// Sunday is 0 and 7, ranges may end on it and wrap around it.
		{"0 0 * * 7", "2026-01-01 00:00", "2026-01-04 00:00, 2026-01-11 00:00"},
		{"0 0 * * 0", "2026-01-01 00:00", "2026-01-04 00:00, 2026-01-11 00:00"},
		{"0 0 * * 5-7", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-09 00:00"},
		{"0 0 * * 0-7", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00"},
		{"0 0 * * 7-2", "2026-01-01 00:00", "2026-01-04 00:00, 2026-01-05 00:00, 2026-01-06 00:00, 2026-01-11 00:00"},
		{"0 0 * * 7-7", "2026-01-01 00:00", "2026-01-04 00:00, 2026-01-11 00:00"},
		{"0 0 * * 1-7/2", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-04 00:00, 2026-01-05 00:00"},
		{"0 0 * * FRI-MON", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-03 00:00, 2026-01-04 00:00, 2026-01-05 00:00, 2026-01-09 00:00"},
		{"0 0 * * 5/2", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-09 00:00"},

		// Names, lists, wrapping ranges, steps.
		{"0 0 1 jan,Jul *", "2026-01-01 00:00", "2026-07-01 00:00, 2027-01-01 00:00"},
		{"0 0 1 NOV-FEB *", "2026-01-01 00:00", "2026-02-01 00:00, 2026-11-01 00:00, 2026-12-01 00:00, 2027-01-01 00:00"},
		{"0 22-2 * * *", "2026-01-01 00:30", "2026-01-01 01:00, 2026-01-01 02:00, 2026-01-01 22:00, 2026-01-01 23:00"},
		{"0 22-4/3 * * *", "2026-01-01 00:30", "2026-01-01 01:00, 2026-01-01 04:00, 2026-01-01 22:00"},
		{"0 0 30-2 * *", "2026-02-02 00:00", "2026-03-01 00:00, 2026-03-02 00:00, 2026-03-30 00:00"},
		{"3/25 * * * *", "2026-01-01 00:00", "2026-01-01 00:03, 2026-01-01 00:28, 2026-01-01 00:53, 2026-01-01 01:03"},
		{"10-40/15 * * * *", "2026-01-01 00:00", "2026-01-01 00:10, 2026-01-01 00:25, 2026-01-01 00:40, 2026-01-01 01:10"},
		{"*/40 * * * *", "2026-01-01 00:00", "2026-01-01 00:40, 2026-01-01 01:00"},
		{"*/60 * * * *", "2026-01-01 00:00", "2026-01-01 01:00, 2026-01-01 02:00"},
		{"05 09 * * *", "2026-01-01 00:00", "2026-01-01 09:05"},
		{"\t0  0\t1 1 * ", "2026-01-01 00:00", "2027-01-01 00:00"},

		// L, W, #.
		{"0 0 L * *", "2026-01-01 00:00", "2026-01-31 00:00, 2026-02-28 00:00, 2026-03-31 00:00"},
		{"0 0 L-3 * *", "2026-01-01 00:00", "2026-01-28 00:00, 2026-02-25 00:00"},
		{"0 0 L-28 * *", "2026-01-01 00:00", "2026-01-03 00:00, 2026-03-03 00:00, 2026-04-02 00:00"},
		{"0 0 LW * *", "2026-01-01 00:00", "2026-01-30 00:00, 2026-02-27 00:00, 2026-03-31 00:00"},
		{"0 0 L-1W * *", "2026-01-01 00:00", "2026-01-30 00:00, 2026-02-27 00:00, 2026-03-30 00:00"},
		{"0 0 15W * *", "2026-01-15 00:00", "2026-02-16 00:00, 2026-03-16 00:00, 2026-04-15 00:00"},
		{"0 0 1W * *", "2026-01-01 00:00", "2026-02-02 00:00, 2026-03-02 00:00, 2026-04-01 00:00"},
		{"0 0 1W 8 *", "2026-01-01 00:00", "2026-08-03 00:00"},
		{"0 0 31W * *", "2026-01-01 00:00", "2026-01-30 00:00, 2026-03-31 00:00, 2026-05-29 00:00"},
		{"0 0 W * *", "2026-01-01 00:00", "2026-01-02 00:00, 2026-01-05 00:00"},
		{"0 0 1,15W,L * *", "2026-01-01 00:00", "2026-01-15 00:00, 2026-01-31 00:00, 2026-02-01 00:00, 2026-02-16 00:00"},
		{"0 0 * * 5L", "2026-01-01 00:00", "2026-01-30 00:00, 2026-02-27 00:00"},
		{"0 0 * * friL", "2026-01-01 00:00", "2026-01-30 00:00, 2026-02-27 00:00"},
		{"0 0 * * 7L", "2026-01-01 00:00", "2026-01-25 00:00, 2026-02-22 00:00"},
		{"0 0 * * 2#1", "2026-01-01 00:00", "2026-01-06 00:00, 2026-02-03 00:00"},
		{"0 0 * * THU#5", "2026-01-01 00:00", "2026-01-29 00:00, 2026-04-30 00:00"},
		{"0 0 * * 1#1,1#3", "2026-01-01 00:00", "2026-01-05 00:00, 2026-01-19 00:00, 2026-02-02 00:00"},
		{"0 0 L * 5#2", "2026-01-01 00:00", "2026-01-09 00:00, 2026-01-31 00:00"},

		// Macros.
		{"@yearly", "2026-01-01 00:00", "2027-01-01 00:00, 2028-01-01 00:00"},
		{"@Annually", "2026-01-01 00:00", "2027-01-01 00:00"},
		{"@monthly", "2026-01-01 00:00", "2026-02-01 00:00"},
		{"@weekly", "2026-01-01 00:00", "2026-01-04 00:00"},
		{"@daily", "2026-01-01 00:00", "2026-01-02 00:00"},
		{"@midnight", "2026-01-01 00:00", "2026-01-02 00:00"},
		{"@hourly", "2026-01-01 00:00", "2026-01-01 01:00"},

		// Months of every length, leap days, the ends of years and centuries.
		{"0 0 31 * *", "2026-01-31 00:00", "2026-03-31 00:00, 2026-05-31 00:00, 2026-07-31 00:00, 2026-08-31 00:00"},
		{"0 0 30 1,2 *", "2026-01-30 00:00", "2027-01-30 00:00"},
		{"0 0 29 2 *", "2026-01-01 00:00", "2028-02-29 00:00, 2032-02-29 00:00"},
		{"0 0 29 2 *", "2096-02-29 00:00", "2104-02-29 00:00"},
		{"0 0 29 2 *", "1996-02-29 00:00", "2000-02-29 00:00"},
		{"0 0 * 2 5#5", "2026-01-01 00:00", "2036-02-29 00:00, 2064-02-29 00:00, 2092-02-29 00:00, 2104-02-29 00:00"},
		{"59 23 31 12 *", "2026-01-01 00:00", "2026-12-31 23:59, 2027-12-31 23:59"},
		{"0 0 1 1 *", "2099-12-31 23:59", "2100-01-01 00:00"},
		{"0 0 29 2 */7", "2026-01-01 00:00", "2032-02-29 00:00, 2060-02-29 00:00, 2088-02-29 00:00, 2128-02-29 00:00"},
	} {
		after, err := time.Parse(layout, c.after)
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Split(c.want, ", ")
		if got := slots(parse(t, c.expr, nil), after, len(want), layout); !slices.Equal(got, want) {
			t.Errorf("%q after %s:\n got %s\nwant %s", c.expr, c.after, strings.Join(got, ", "), c.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	const layout = "15:04:05"
	for _, c := range []struct{ expr, want string }{
		{"*/20 * * * * *", "00:00:20 00:00:40 00:01:00"},
		{"30 1 0 * * *", "00:01:30 00:01:30"},
		{"0 30 9 * * MON-FRI", "09:30:00 09:30:00"},
		{"59 59 23 * * *", "23:59:59 23:59:59"},
		{"1-3,50/9 * * * * ?", "00:00:01 00:00:02 00:00:03 00:00:50 00:00:59 00:01:01"},
	} {
		want := strings.Fields(c.want)
		got := slots(parse(t, c.expr, nil), time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), len(want), layout)
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", c.expr, got, want)
		}
	}
}

// TestNextIsStrictlyAfter looks at instants within a second of a slot.
func TestNextIsStrictlyAfter(t *testing.T) {
	s := parse(t, "0 * * * *", nil)
	slot := time.Date(2026, 1, 1, 1, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after time.Duration
		want  time.Duration
	}{
		{-time.Second, 0}, {-1, 0}, {-time.Millisecond, 0}, {0, time.Hour}, {1, time.Hour}, {time.Hour - 1, time.Hour},
	} {
		if got, ok := s.Next(slot.Add(c.after)); !ok || !got.Equal(slot.Add(c.want)) {
			t.Errorf("slot%+v: next is slot%+v, want slot%+v", c.after, got.Sub(slot), c.want)
		}
	}
	if got := slices.Collect(s.Between(slot, slot.Add(2*time.Hour))); len(got) != 2 || !got[1].Equal(slot.Add(2*time.Hour)) {
		t.Errorf("between a slot and the next but one: %v, want the second included and the first not", got)
	}
	for range s.Between(slot, slot) {
		t.Error("a slot lies between an instant and itself")
	}
}

// TestDistantTimes is about instants the tz database says little about.
func TestDistantTimes(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	for _, c := range []struct {
		name, expr string
		loc        *time.Location
		after      time.Time
		want       string // "" is never
	}{
		{"the zero time", "0 0 1 * *", nil, time.Time{}, "0001-02-01T00:00:00Z"},
		{"the zero time in a zone", "0 0 1 2 *", berlin, time.Time{}, "0001-02-01T00:00:00+00:53"},
		{"before year 1", "30 12 * * *", nil, time.Date(-400, 5, 5, 0, 0, 0, 0, time.UTC), "0001-01-01T12:30:00Z"},
		{"long before year 1", "30 12 * * *", berlin, time.Unix(-1<<62, 0), "0001-01-01T12:30:00+00:53"},
		{"before 1970", "0 9 * * MON", nil, time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC), "1969-07-21T09:00:00Z"},
		{"before the epoch", "* * * * * *", nil, time.Unix(-2, 5), "1969-12-31T23:59:59Z"},
		{"1900 is no leap year", "0 0 29 2 *", nil, time.Date(1896, 3, 1, 0, 0, 0, 0, time.UTC), "1904-02-29T00:00:00Z"},
		{"after 2199", "0 9 * * MON", berlin, time.Date(2199, 12, 31, 23, 0, 0, 0, time.UTC), "2200-01-06T09:00:00+01:00"},
		{"2400 is a leap year", "0 0 29 2 *", nil, time.Date(2399, 1, 1, 0, 0, 0, 0, time.UTC), "2400-02-29T00:00:00Z"},
		{"summer time for ever", "0 12 1 7 *", berlin, time.Date(2600, 1, 1, 0, 0, 0, 0, time.UTC), "2600-07-01T12:00:00+02:00"},
		{"the last slot", "59 23 31 12 *", nil, time.Date(9999, 12, 31, 23, 58, 0, 0, time.UTC), "9999-12-31T23:59:00Z"},
		{"after the last slot", "* * * * *", nil, time.Date(9999, 12, 31, 23, 59, 0, 0, time.UTC), ""},
		{"after the last slot in a zone", "* * * * *", berlin, time.Date(9999, 12, 31, 23, 59, 0, 0, berlin), ""},
		{"after year 9999", "* * * * *", nil, time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC), ""},
		{"the end of time", "* * * * *", berlin, time.Unix(1<<62, 0), ""},
		{"every, before year 1", "@every 12h", nil, time.Date(-400, 5, 5, 0, 0, 0, 0, time.UTC), "0001-01-01T12:00:00Z"},
		{"every, after year 9999", "@every 12h", nil, time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC), ""},
		{"every, at the end of time", "@every 12h", nil, time.Unix(1<<62, 0), ""},
	} {
		got, ok := parse(t, c.expr, c.loc).Next(c.after)
		if text := got.Format(time.RFC3339); ok && text != c.want || !ok && c.want != "" {
			t.Errorf("%s: %q after %v is %v, %t; want %q", c.name, c.expr, c.after, text, ok, c.want)
		}
	}
}

func TestEvery(t *testing.T) {
	at := time.UnixMilli(1_767_225_600_000) // 2026-01-01T00:00:00Z
	for _, c := range []struct {
		expr  string
		after time.Time
		want  int64 // milliseconds since the epoch
	}{
		{"@every 90s", at, 1_767_225_600_000 + 90_000},
		{"@every 90s", at.Add(-1), 1_767_225_600_000},
		{"@every 10ms", at.Add(1), 1_767_225_600_010},
		{"@every 1.5s", at.Add(1500 * time.Millisecond), 1_767_225_603_000},
		{"@every 7h", time.Unix(0, 0), 7 * 3600_000},
		{"@every 7h", time.Unix(-1, 0), 0},
		{"@EVERY 1h30m", time.Unix(-5400, 0).Add(-1), -5_400_000},
	} {
		got, ok := parse(t, c.expr, nil).Next(c.after)
		if !ok || got.UnixMilli() != c.want || got.Nanosecond()%1e6 != 0 {
			t.Errorf("%q after %v: %v (%d), want %d", c.expr, c.after, got, got.UnixMilli(), c.want)
		}
	}
}

func TestAt(t *testing.T) {
	s := parse(t, "@at 2027-01-01T02:00:00.25+02:00", load(t, "America/New_York"))
	want := time.Date(2027, 1, 1, 0, 0, 0, 250e6, time.UTC)
	if got, ok := s.Next(time.Time{}); !ok || !got.Equal(want) || got.Location().String() != "America/New_York" {
		t.Errorf("got %v, %t", got, ok)
	}
	if got, ok := s.Next(want.Add(-1)); !ok || !got.Equal(want) {
		t.Errorf("a nanosecond before: %v, %t", got, ok)
	}
	if got, ok := s.Next(want); ok {
		t.Errorf("fires again at %v", got)
	}
}

func TestZeroSchedule(t *testing.T) {
	var s schedule.Schedule
	if got, ok := s.Next(time.Time{}); ok {
		t.Errorf("fires at %v", got)
	}
	for range s.Between(time.Time{}, time.Unix(1<<40, 0)) {
		t.Error("has a slot")
	}
	if s.Location() != time.UTC || s.String() != "" || s.Key() != "" || s.Describe() != "Never" || s.Notes(time.Time{}, time.Now()) != nil || !s.IsZero() {
		t.Error("is not empty")
	}
	if parse(t, "@daily", nil).IsZero() {
		t.Error("@daily is the zero Schedule")
	}
}

// TestHash holds H to its ranges, its independence of other fields, and its
// spread; the golden numbers hold it to itself, since a user's slots depend on
// them for ever.
func TestHash(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct{ expr, seed, want string }{
		{"H H * * *", "hello", "2026-01-01 01:02"},
		{"H H H * *", "backup", "2026-01-15 12:38"},
		{"H H H H H", "backup", "2026-03-04 12:38"},
		{"H/15 * * * *", "hello", "2026-01-01 00:02"},
		{"H(30-39) 4 * * *", "hello", "2026-01-01 04:32"},
	} {
		s, err := schedule.Parse(c.expr, schedule.Options{Seed: c.seed})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Next(at); got.Format("2006-01-02 15:04") != c.want {
			t.Errorf("%q for %q: %v, want %s", c.expr, c.seed, got.Format("2006-01-02 15:04"), c.want)
		}
	}

	const jobs = 6000
	var minutes [60]int
	r := rand.New(rand.NewPCG(1, 2))
	for range jobs {
		name := make([]byte, 1+r.IntN(20))
		for i := range name {
			name[i] = byte('a' + r.IntN(26))
		}
		s, err := schedule.Parse("H H(22-3) H * H(1-5)", schedule.Options{Seed: string(name)})
		if err != nil {
			t.Fatal(err)
		}
		got, _ := s.Next(at)
		if h := got.Hour(); h > 3 && h < 22 {
			t.Fatalf("hour %d is not in H(22-3)", h)
		}
		minutes[got.Minute()]++
	}
	// A hundred each are expected, with a standard deviation of ten.
	if low, high := slices.Min(minutes[:]), slices.Max(minutes[:]); low < 60 || high > 145 {
		t.Errorf("of %d jobs, %d to %d share a minute", jobs, low, high)
	}
}

// TestNextDoesNotAllocate also walks a daylight-saving zone for a year.
func TestNextDoesNotAllocate(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	for _, expr := range []string{"*/5 * * * *", "30 2 * * *", "0 9 * * MON-FRI", "0 0 L * *", "0 0 29 2 *", "0 0 * * 5#5", "@every 90s"} {
		s := parse(t, expr, berlin)
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		if n := testing.AllocsPerRun(400, func() {
			next, ok := s.Next(at)
			if !ok {
				t.Fatal("no slot")
			}
			at = next.Add(time.Hour)
		}); n != 0 {
			t.Errorf("%q: %v allocations", expr, n)
		}
	}
}

// TestConcurrentUse has goroutines ask one Schedule about different ends of its
// zone's history; it is the race detector's as well.
func TestConcurrentUse(t *testing.T) {
	s := parse(t, "30 2 * * *", load(t, "America/New_York"))
	var group sync.WaitGroup
	for year := range 8 {
		group.Go(func() {
			at := time.Date(1990+20*year, 6, 1, 12, 0, 0, 0, s.Location())
			for i := range 2000 {
				from := at.AddDate(0, i%2*6, i%30)
				got, ok := s.Next(from)
				want := time.Date(from.Year(), from.Month(), from.Day()+1, 2, 30, 0, 0, s.Location())
				if !ok || !got.Equal(want) {
					t.Errorf("after %v: %v, want %v", from, got, want)
					return
				}
			}
		})
	}
	group.Wait()
}

// TestNextByDays compares with a search, day by day, that asks package time
// about each date: far ahead, where the model of cron would be too slow.
func TestNextByDays(t *testing.T) {
	r := newRand(t)
	never := 0
	for range 2000 {
		expr := randomExpr(r, false)
		s, err := schedule.Parse(expr, schedule.Options{Seed: "job"})
		from := time.Unix(r.Int64N(time.Date(2199, 1, 1, 0, 0, 0, 0, time.UTC).Unix()), 0).UTC()
		model := newModelJob(t, expr, "job")
		want, found := byDays(model, from)
		switch {
		case err != nil && found:
			t.Fatalf("%q: %v; it matches at %v", expr, err, want)
		case err != nil:
			never++
			continue
		}
		if got, ok := s.Next(from); ok != found || found && !got.Equal(want) {
			t.Fatalf("%q after %v: %v, want %v", expr, from, got, want)
		}
	}
	t.Logf("%d of 2000 never fire", never)
}

// byDays finds the next match in UTC within 45 years: no date of a leap year,
// weekday included, is further away than 40.
func byDays(j *modelJob, after time.Time) (time.Time, bool) {
	day := after.Truncate(24 * time.Hour)
	for range 45 * 366 {
		if j.onDay(day) {
			for m := range 24 * 60 {
				at := day.Add(time.Duration(m) * time.Minute)
				if j.hour[m/60] && j.minute[m%60] && at.After(after) {
					return at, true
				}
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}, false
}
