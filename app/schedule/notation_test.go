package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

// reading says of an instant whether the writer of a text meant it.
type reading func(t time.Time) bool

func daily(hour, minute int, days ...time.Weekday) reading {
	return func(t time.Time) bool {
		on := len(days) == 0
		for _, d := range days {
			on = on || t.Weekday() == d
		}
		return on && t.Hour() == hour && t.Minute() == minute && t.Second() == 0
	}
}

func weekdaysAt(hour, minute int) reading {
	return daily(hour, minute, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday)
}

// each is the multiples of an interval since 1970.
func each(d time.Duration) reading {
	return func(t time.Time) bool { return t.UnixMilli()%d.Milliseconds() == 0 }
}

func and(all ...reading) reading {
	return func(t time.Time) bool {
		for _, r := range all {
			if !r(t) {
				return false
			}
		}
		return true
	}
}

func inMonths(months ...time.Month) reading {
	return func(t time.Time) bool {
		for _, m := range months {
			if t.Month() == m {
				return true
			}
		}
		return false
	}
}

func onDates(lo, hi int) reading {
	return func(t time.Time) bool { return t.Day() >= lo && t.Day() <= hi }
}

func lastFriday(t time.Time) bool {
	return t.Weekday() == time.Friday && t.AddDate(0, 0, 7).Month() != t.Month()
}

func thirdFriday(t time.Time) bool {
	return t.Weekday() == time.Friday && t.Day() > 14 && t.Day() <= 21
}

const (
	sun, mon, tue, wed, thu, fri, sat = time.Sunday, time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday
)

// suggestion returns what a message suggests, or "".
func suggestion(err error) string {
	var e *schedule.Error
	if !errors.As(err, &e) {
		return ""
	}
	_, rest, ok := strings.Cut(e.Hint, "did you mean ")
	if !ok {
		return ""
	}
	return strings.TrimSuffix(rest, "?")
}

// TestSuggestionsMeanWhatWasMeant reads each text once more, by hand, and compares minute by minute.
func TestSuggestionsMeanWhatWasMeant(t *testing.T) {
	for _, c := range []struct {
		text, want string
		meant      reading
	}{
		// Quartz: seconds first, the year last, Sunday is 1.
		{"0 0 9 ? * 2-6 *", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"0 0 9 ? * 1 *", "0 9 * * SUN", daily(9, 0, sun)},
		{"0 0 9 ? * 7,1 *", "0 9 * * SAT,SUN", daily(9, 0, sat, sun)},
		{"0 0 9 ? * 6L *", "0 9 * * 5L", and(daily(9, 0), lastFriday)},
		{"0 0 9 ? * 6#3 *", "0 9 * * FRI#3", and(daily(9, 0), thirdFriday)},
		{"0 0 9 ? * L *", "0 9 * * SAT", daily(9, 0, sat)},
		{"0 0 9 ? * 2/2 *", "0 9 * * MON/2", daily(9, 0, mon, wed, fri)},
		{"0 0 9 ? * MON-FRI *", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"0 0/15 * * * ? *", "0/15 * * * *", each(15 * time.Minute)},
		{"0 0 12 1 * ? *", "0 12 1 * *", and(daily(12, 0), onDates(1, 1))},
		{"30 0 9 ? * 2 *", "30 0 9 * * MON", nil},
		{"0 0 9 * * MON *", "0 9 * * MON", daily(9, 0, mon)},

		{"cron(0 9 ? * MON-FRI *)", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"cron(0 9 ? * 2-6 *)", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"cron(0/10 * ? * * *)", "0/10 * * * *", each(10 * time.Minute)},
		{"cron(15 10 ? * 6L *)", "15 10 * * 5L", and(daily(10, 15), lastFriday)},
		{"CRON(0 9 * * *)", "0 9 * * *", daily(9, 0)},
		{"rate(5 minutes)", "@every 5m", each(5 * time.Minute)},
		{"rate(1 hour)", "@every 1h", each(time.Hour)},
		{"rate(7 days)", "@every 168h", each(7 * 24 * time.Hour)},

		{"0~59 * * * *", "H(0-59) * * * *", nil},
		{"~ 3 * * *", "H 3 * * *", nil},
		{"30~ 2~4 * * *", "H(30-59) H(2-4) * * *", nil},

		{"0 9 * * 1\u20135", "0 9 * * 1-5", weekdaysAt(9, 0)},
		{"0 9 * * 1\u20145", "0 9 * * 1-5", weekdaysAt(9, 0)},
		{"0\u00a09\u00a0* * *", "0 9 * * *", daily(9, 0)},
		{"\u201c0 9 * * *\u201d", "0 9 * * *", daily(9, 0)},
		{"'0 9 * * *'", "0 9 * * *", daily(9, 0)},
		{"`@daily`", "@daily", daily(0, 0)},
		{"\u2217/5 * * * *", "*/5 * * * *", each(5 * time.Minute)},
		{"\ufeff0 9 * * *", "0 9 * * *", daily(9, 0)},

		{"0 2 * * * # nightly", "0 2 * * *", daily(2, 0)},
		{"0 2 * * * #nightly", "0 2 * * *", daily(2, 0)},
		{"@daily # nightly", "@daily", daily(0, 0)},
		{"@every 5m # often", "@every 5m", each(5 * time.Minute)},
		{"# nightly\n0 2 * * *", "0 2 * * *", daily(2, 0)},
		{"0 0 9 ? * 2-6 * # from Quartz", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"0 2 * * * /usr/bin/backup", "0 2 * * *", daily(2, 0)},
		{"0 2 * * * root /usr/bin/backup --all > /dev/null 2>&1", "0 2 * * *", daily(2, 0)},
		{"17 * * * * cd / && run-parts --report /etc/cron.hourly", "17 * * * *", func(t time.Time) bool { return t.Minute() == 17 }},
		{"0 30 2 * * * curl x", "0 30 2 * * *", daily(2, 30)},
		{"@daily /usr/bin/backup", "@daily", daily(0, 0)},

		{"every minute", "* * * * *", each(time.Minute)},
		{"every 5 minutes", "*/5 * * * *", each(5 * time.Minute)},
		{"Every five minutes.", "*/5 * * * *", each(5 * time.Minute)},
		{"every 7 minutes", "@every 7m", each(7 * time.Minute)},
		{"every 90 minutes", "@every 90m", each(90 * time.Minute)},
		{"every 1 hour", "@hourly", each(time.Hour)},
		{"every 6 hours", "0 */6 * * *", each(6 * time.Hour)},
		{"every 5 hours", "@every 5h", each(5 * time.Hour)},
		{"every half hour", "*/30 * * * *", each(30 * time.Minute)},
		{"every 120 seconds", "@every 120s", each(2 * time.Minute)},
		{"every day", "@daily", daily(0, 0)},
		{"daily", "@daily", daily(0, 0)},
		{"every week", "@weekly", daily(0, 0, sun)},
		{"every month", "@monthly", and(daily(0, 0), onDates(1, 1))},
		{"every day at 9", "0 9 * * *", daily(9, 0)},
		{"every day at 9:30 pm", "30 21 * * *", daily(21, 30)},
		{"daily at 12am", "0 0 * * *", daily(0, 0)},
		{"daily at 12pm", "0 12 * * *", daily(12, 0)},
		{"at noon every day", "0 12 * * *", daily(12, 0)},
		{"every weekday at 17:45", "45 17 * * MON-FRI", weekdaysAt(17, 45)},
		{"weekdays at 9am", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"weekends at 10", "0 10 * * SAT,SUN", daily(10, 0, sat, sun)},
		{"every monday", "0 0 * * MON", daily(0, 0, mon)},
		{"every Monday and Thursday at 8", "0 8 * * MON,THU", daily(8, 0, mon, thu)},
		{"mondays at 8", "0 8 * * MON", daily(8, 0, mon)},
		{"Monday to Friday at 9", "0 9 * * MON-FRI", weekdaysAt(9, 0)},

		{"*-*-* 02:00", "0 2 * * *", daily(2, 0)},
		{"*-*-* 02:00:00", "0 2 * * *", daily(2, 0)},
		{"02:30", "30 2 * * *", daily(2, 30)},
		{"Mon..Fri *-*-* 09:05", "5 9 * * MON-FRI", weekdaysAt(9, 5)},
		{"Sat,Sun 09:00", "0 9 * * SAT,SUN", daily(9, 0, sat, sun)},
		{"*-*-01..07 04:00", "0 4 1-7 * *", and(daily(4, 0), onDates(1, 7))},
		{"*-12-* 04:00", "0 4 * 12 *", and(daily(4, 0), inMonths(time.December))},
		{"*:0/15", "0/15 * * * *", each(15 * time.Minute)},
		{"*-*-01", "0 0 1 * *", and(daily(0, 0), onDates(1, 1))},
		{"minutely", "* * * * *", each(time.Minute)},
		{"quarterly", "0 0 1 1,4,7,10 *", and(daily(0, 0), onDates(1, 1), inMonths(1, 4, 7, 10))},

		{"PT5M", "@every 5m", each(5 * time.Minute)},
		{"PT1H30M", "@every 1h30m", each(90 * time.Minute)},
		{"P1D", "@every 24h", each(24 * time.Hour)},
		{"R/PT10M", "@every 10m", each(10 * time.Minute)},

		{"0 9 MON-FRI * *", "0 9 * * MON-FRI", weekdaysAt(9, 0)},
		{"0 9 * MON *", "0 9 * * MON", daily(9, 0, mon)},
		{"0 9 * SUN *", "0 9 * * SUN", daily(9, 0, sun)},
		{"0 9 1 * DEC", "0 9 1 DEC *", and(daily(9, 0), onDates(1, 1), inMonths(time.December))},
		{"0 9 MON-FRI", "0 9 * * MON-FRI", weekdaysAt(9, 0)},

		{"* * * *", "* * * * *", each(time.Minute)},
		{"0 */36 * * *", "@every 36h", each(36 * time.Hour)},
		{"TZ=Asia/Kolkata every day at 9", "TZ=Asia/Kolkata 0 9 * * *", daily(3, 30)},
		{"TZ=Asia/Kolkata 0 9", "TZ=Asia/Kolkata 0 9 * * *", daily(3, 30)},
	} {
		_, err := schedule.Parse(c.text, schedule.Options{Seed: "job"})
		if err == nil {
			t.Errorf("%q is an expression", c.text)
			continue
		}
		got := suggestion(err)
		if got != c.want {
			t.Errorf("%q: %v; suggested %q, want %q", c.text, err, got, c.want)
			continue
		}
		s, err := schedule.Parse(got, schedule.Options{Seed: "job"})
		if err != nil {
			t.Errorf("%q: the suggestion is no expression: %v", c.text, err)
			continue
		}
		if c.meant == nil {
			continue // no reading by minutes
		}
		// From a Thursday over the turn of the year, February and a quarter.
		at := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
		until := at.AddDate(0, 0, 130)
		next, _ := s.Next(at.Add(-1))
		slots := 0
		for ; at.Before(until); at = at.Add(time.Minute) {
			meant := c.meant(at)
			if meant != next.Equal(at) {
				t.Errorf("%q: suggested %q, whose next slot is %s; at %s a slot was meant: %v", c.text, got, next.UTC(), at, meant)
				break
			}
			if meant {
				slots++
				next, _ = s.Next(at)
			}
		}
		if slots == 0 {
			t.Errorf("%q: nothing was compared", c.text)
		}
	}
}

// TestNoSuggestion: of several readings none is suggested.
func TestNoSuggestion(t *testing.T) {
	for _, text := range []string{
		"0 0 12 ? * MON 2025",  // every year
		"0 0 9 * * 2-6 *",      // Quartz, or gorhill's cronexpr, which counts from 0
		"0 0 9 1 * 2 *",        // both days must match there, either here
		"0 0 9 ? * 0 *",        // no day of Quartz
		"cron(0 9 ? * 2 2027)", // one year
		"rate(0 minutes)", "rate(5 fortnights)", "cron()", "rate()",
		"0~59/10 * * * *", "5~1~2 * * * *",
		"every other day", "every 2 days", "every 2 weeks", "twice a day", "every night", "in the morning", "every day at 25", "every day at 13pm",
		"monday", "at 9:30", "every 0 minutes", "weekly at 9", "every now and then", "sometimes",
		"Mon *-*-01 09:00", "2027-*-* 02:00", "*-*~1 02:00", "24:30",
		"P1M", "P1Y", "PT", "P", "PT0S",
		"@reboot", "@reboot /usr/bin/x", "@daily 9", "@evry 5 minutes", "@every 5",
		"60 0 0 * * *", "60 9 * * *", "0 24 * * MON", "9-24 24 * * *", "60,61 * * * *", "*/90 9 * * *", "15 */36 * * *", "0 0 ?/40 * *",
		"0 9 MON * FRI", "0 9 1 MON 2", "hello world", "* * * * * * * *", "0 0 9 ? * 2-6 * *", "#", "# only", "\"", "\"\"", "'", "cron(", "~",
	} {
		s, err := schedule.Parse(text, schedule.Options{})
		if err == nil {
			t.Errorf("%q is %s", text, s)
		} else if got := suggestion(err); got != "" {
			t.Errorf("%q: suggested is %q", text, got)
		}
	}
}

// TestSuggestionKeepsTheZone: what is suggested stands in the zone that was written.
func TestSuggestionKeepsTheZone(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	for _, c := range []struct {
		text string
		loc  *time.Location
		want string
	}{
		{"TZ=Europe/Berlin 0 9", nil, "TZ=Europe/Berlin 0 9 * * *"},
		{"CRON_TZ=Europe/Berlin 0 9 * * * # x", nil, "CRON_TZ=Europe/Berlin 0 9 * * *"},
		{"TZ=Europe/Berlin 0 9", berlin, "0 9 * * *"},
		{"TZ=UTC 0 9", berlin, "TZ=UTC 0 9 * * *"},
		{"TZ=Europe/Berlin PT5M", nil, "@every 5m"},
	} {
		_, err := schedule.Parse(c.text, schedule.Options{Location: c.loc})
		if got := suggestion(err); got != c.want {
			t.Errorf("%q in %v: %v; suggested %q, want %q", c.text, c.loc, err, got, c.want)
		}
	}
}
