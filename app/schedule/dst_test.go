package schedule_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDaylightSaving lists what happens on days on which the clock is moved:
// Debian's rules, as its cron(8) and cron.c have them. The times are those on
// the wall of the zone, with the offset from UTC in hours where it matters.
func TestDaylightSaving(t *testing.T) {
	for _, c := range []struct{ name, zone, expr, after, want string }{
		// New York goes from 02:00 to 03:00 on 8 March 2026.
		{"a fixed time in the gap runs right after it", "America/New_York", "30 2 * * *", "2026-03-07 03:00 -5",
			"03-08 03:00 -4, 03-09 02:30 -4"},
		{"the gap's first minute", "America/New_York", "0 2 * * *", "2026-03-07 03:00 -5", "03-08 03:00 -4, 03-09 02:00 -4"},
		{"the gap's last minute", "America/New_York", "59 2 * * *", "2026-03-07 03:00 -5", "03-08 03:00 -4, 03-09 02:59 -4"},
		{"several fixed times in one gap are one slot", "America/New_York", "0,15,30,45 2 * * *", "2026-03-07 03:00 -5",
			"03-08 03:00 -4, 03-09 02:00 -4"},
		{"and the same as one right after the gap", "America/New_York", "30 2,3 * * *", "2026-03-08 00:00 -5",
			"03-08 03:00 -4, 03-08 03:30 -4, 03-09 02:30 -4"},
		{"a fixed time after the gap is unmoved", "America/New_York", "0 3 * * *", "2026-03-07 03:00 -5", "03-08 03:00 -4, 03-09 03:00 -4"},
		{"the date holds in the gap too", "America/New_York", "30 2 8 3 *", "2026-01-01 00:00 -5", "03-08 03:00 -4"},
		{"and so does the weekday", "America/New_York", "30 2 * * MON", "2026-03-07 00:00 -5", "03-09 02:30 -4"},
		{"a wildcard minute has no run in the gap", "America/New_York", "*/30 2 * * *", "2026-03-07 02:30 -5", "03-09 02:00 -4"},
		{"a wildcard hour loses the reading that is not", "America/New_York", "0 */2 * * *", "2026-03-08 00:00 -5", "03-08 04:00 -4"},
		{"a wildcard goes on by elapsed time", "America/New_York", "*/30 * * * *", "2026-03-08 01:00 -5",
			"03-08 01:30 -5, 03-08 03:00 -4, 03-08 03:30 -4"},
		{"a fixed hour range is a fixed time", "America/New_York", "30 0-23 * * *", "2026-03-08 01:00 -5",
			"03-08 01:30 -5, 03-08 03:00 -4, 03-08 03:30 -4"},
		{"H is a fixed time", "America/New_York", "H H(2-2) * * *", "2026-03-07 03:00 -5", "03-08 03:00 -4"},
		{"a fixed time with seconds", "America/New_York", "15 30 2 * * *", "2026-03-07 03:00 -5", "03-08 03:00 -4, 03-09 02:30 -4"},

		// It goes back from 02:00 to 01:00 on 1 November 2026.
		{"a fixed time that comes twice runs once", "America/New_York", "30 1 * * *", "2026-10-31 02:00 -4", "11-01 01:30 -4, 11-02 01:30 -5"},
		{"the first minute", "America/New_York", "0 1 * * *", "2026-10-31 02:00 -4", "11-01 01:00 -4, 11-02 01:00 -5"},
		{"the minute after", "America/New_York", "0 2 * * *", "2026-10-31 02:00 -4", "11-01 02:00 -5, 11-02 02:00 -5"},
		{"between the two readings", "America/New_York", "30 1 * * *", "2026-11-01 01:10 -5", "11-02 01:30 -5"},
		{"a wildcard hour runs in both hours", "America/New_York", "30 * * * *", "2026-11-01 00:30 -4",
			"11-01 01:30 -4, 11-01 01:30 -5, 11-01 02:30 -5"},
		{"a wildcard minute runs in both hours", "America/New_York", "*/30 1 * * *", "2026-11-01 00:30 -4",
			"11-01 01:00 -4, 11-01 01:30 -4, 11-01 01:00 -5, 11-01 01:30 -5, 11-02 01:00 -5"},
		{"every hour written out does not", "America/New_York", "30 0-23 * * *", "2026-11-01 00:30 -4",
			"11-01 01:30 -4, 11-01 02:30 -5"},
		{"a job that follows @hourly does", "America/New_York", "@hourly", "2026-11-01 00:00 -4",
			"11-01 01:00 -4, 11-01 01:00 -5, 11-01 02:00 -5"},
		{"seconds follow the hour and the minute", "America/New_York", "30 0 1 * * *", "2026-11-01 00:00 -4", "11-01 01:00 -4, 11-02 01:00 -5"},
		{"also when they are the wildcard", "America/New_York", "*/30 59 1 * * *", "2026-11-01 01:00 -4",
			"11-01 01:59 -4, 11-01 01:59 -4, 11-02 01:59 -5"},
		{"@every knows no clock", "America/New_York", "@every 30m", "2026-11-01 01:00 -4",
			"11-01 01:30 -4, 11-01 01:00 -5, 11-01 01:30 -5, 11-01 02:00 -5"},

		// Other hours and other widths.
		{"midnight does not exist in Havana", "America/Havana", "0 0 * * *", "2026-03-07 12:00 -5", "03-08 01:00 -4, 03-09 00:00 -4"},
		{"midnight comes twice in Havana", "America/Havana", "0 0 * * *", "2026-10-31 12:00 -4", "11-01 00:00 -4, 11-02 00:00 -5"},
		{"the end of a month in the gap, Asuncion", "America/Asuncion", "59 23 L * *", "2017-09-30 12:00 -4", "09-30 23:59 -4, 10-31 23:59 -3"},
		{"the day before comes back, Sao Paulo", "America/Sao_Paulo", "30 23 * * *", "2018-02-17 12:00 -2", "02-17 23:30 -2, 02-18 23:30 -3"},
		{"half an hour on Lord Howe, forward", "Australia/Lord_Howe", "15 2 * * *", "2026-10-03 03:00 +10.5", "10-04 02:30 +11, 10-05 02:15 +11"},
		{"half an hour on Lord Howe, back", "Australia/Lord_Howe", "45 1 * * *", "2026-04-04 03:00 +11", "04-05 01:45 +11, 04-06 01:45 +10.5"},
		{"half an hour, a wildcard twice", "Australia/Lord_Howe", "45 * * * *", "2026-04-05 01:00 +11", "04-05 01:45 +11, 04-05 01:45 +10.5, 04-05 02:45 +10.5"},
		{"a zone with 45 minutes, Chatham", "Pacific/Chatham", "0 3 * * *", "2026-09-26 04:00 +12.75", "09-27 03:45 +13.75, 09-28 03:00 +13.75"},
		{"Kathmandu moved by 15 minutes", "Asia/Kathmandu", "10 0 * * *", "1985-12-31 12:00 +5.5", "01-01 00:15 +5.75, 01-02 00:10 +5.75"},
		{"Troll moves by two hours", "Antarctica/Troll", "30 1 * * *", "2026-03-28 02:00 +0", "03-29 03:00 +2, 03-30 01:30 +2"},
		{"Dublin's winter time is the negative one", "Europe/Dublin", "30 1 * * *", "2026-10-24 02:00 +1", "10-25 01:30 +1, 10-26 01:30 +0"},
		{"Casablanca stands still for Ramadan", "Africa/Casablanca", "30 2 * * *", "2026-03-21 03:00 +0", "03-22 03:00 +1, 03-23 02:30 +1"},

		// From three hours on it is a correction: what was skipped is not made up
		// for, what is shown again runs again. Three hours back are not yet more
		// than three hours to cron's arithmetic; three hours forward are.
		{"Apia had no 30 December 2011", "Pacific/Apia", "0 9 * * *", "2011-12-29 00:00 -10", "12-29 09:00 -10, 12-31 09:00 +14"},
		{"nor its runs", "Pacific/Apia", "0 9 30 12 *", "2011-12-29 00:00 -10", "12-30 09:00 +14"},
		{"Kwajalein had no 21 August 1993", "Pacific/Kwajalein", "0 0 * * *", "1993-08-19 12:00 -12", "08-20 00:00 -12, 08-22 00:00 +12"},
		{"three hours forward, Casey", "Antarctica/Casey", "30 3 * * *", "2009-10-17 12:00 +8", "10-19 03:30 +11"},
		{"three hours back, Casey", "Antarctica/Casey", "30 0 * * *", "2010-03-04 12:00 +11", "03-05 00:30 +11, 03-06 00:30 +8"},

		// A clock that arrives in the middle of a minute: Monrovia, 44:30, 1972.
		{"the minute it arrives in has begun", "Africa/Monrovia", "* * * * *", "1972-01-06 23:59 -0.741667", "01-07 00:44 +0, 01-07 00:45 +0"},
		{"a fixed time in that minute", "Africa/Monrovia", "44 0 * * *", "1972-01-06 23:59 -0.741667", "01-07 00:44 +0, 01-08 00:44 +0"},

		// golang/go 81583: the segment of 31 December of a leap year ends before it.
		{"31 December 2040", "America/New_York", "0 12 * * *", "2040-12-30 12:00 -5", "12-31 12:00 -5, 01-01 12:00 -5"},
		{"31 December 2096", "Europe/Berlin", "30 23 31 12 *", "2096-12-31 00:00 +1", "12-31 23:30 +1, 12-31 23:30 +1"},
		{"31 December 2048 by the minute", "Australia/Sydney", "59 * * * *", "2048-12-31 22:59 +11", "12-31 23:59 +11, 01-01 00:59 +11"},
	} {
		loc := load(t, c.zone)
		date, offset, _ := cutLast(c.after)
		wall, err := time.Parse("2006-01-02 15:04", date)
		if err != nil {
			t.Fatal(err)
		}
		after := wall.Add(-hours(t, offset))
		if _, actual := after.In(loc).Zone(); time.Duration(actual)*time.Second != hours(t, offset) {
			t.Errorf("%s: %s is no time in %s", c.name, c.after, c.zone)
		}
		var want, got []string
		for _, w := range strings.Split(c.want, ", ") {
			date, offset, _ := cutLast(w)
			want = append(want, date+" "+hours(t, offset).String())
		}
		for s := range parse(t, c.expr, loc).Between(after, after.AddDate(2, 0, 0)) {
			_, offset := s.Zone()
			if got = append(got, s.Format("01-02 15:04")+" "+(time.Duration(offset)*time.Second).String()); len(got) == len(want) {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s, %s: %q\n got %v\nwant %v", c.name, c.zone, c.expr, got, want)
		}
	}
}

// cutLast cuts at the last blank.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ' ')
	return s[:i], s[i+1:], true
}

// hours reads an offset; those of -0:44:30 are rounded in the table.
func hours(t *testing.T, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(strings.TrimPrefix(s, "+") + "h")
	if err != nil {
		t.Fatal(err)
	}
	return d.Round(30 * time.Second)
}
