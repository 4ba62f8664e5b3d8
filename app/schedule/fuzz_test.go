package schedule_test

import (
	"strings"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

// FuzzParse: whatever the text, Parse returns; what it accepts has a slot or had
// one, and its String is a fixed point that means the same.
func FuzzParse(f *testing.F) {
	for _, expr := range aroundTransitions {
		f.Add(expr, "job")
	}
	for _, expr := range []string{
		"", " ", "* * * *", "@daily", "@every 90s", "@every 1ms", "@every 9223372036s", "@at 2027-01-01T00:00:00Z", "@at 99999-01-01T00:00:00Z",
		"TZ=Europe/Berlin 30 9 * * MON-FRI", "TZ= * * * * *", "TZ=Local @daily", "TZ=../../etc/passwd * * * * *", "CRON_TZ=UTC H H(0-7) ? * 5L",
		"0 0 L-3,LW,15W,W 2 1#5", "0 0 30 2 *", "60 24 0 13 8", "*/0 */-1 1-/2 ,,", "h/7 H(22-4)/3 H H H", "0 0 0 1 1 ? 2025", "\x00 * * * *", "* * * * ٣",
		"0 0 * * 7-7/7", "0 0 * * 1-7/7", "5-5/5 0/23 */31 JAN-jan sun",
		"0 0 9 ? * 2-6 *", "cron(0 9 ? * 6L *)", "rate(5 minutes)", "0~59 ~3 * * *", "0 9 * * 1\u20135 # x", "every monday and friday at 9:30 pm",
		"Mon..Fri *-*-01..07 09:05:00", "PT1H30M", "0 9 MON-FRI", "TZ=Asia/Kolkata 0 9", "*/90 * * * *", "0-60 0 * * *", "H() H(-) H(1- H)/1 *",
	} {
		f.Add(expr, "")
	}
	f.Fuzz(func(t *testing.T, expr, seed string) {
		s, err := schedule.Parse(expr, schedule.Options{Seed: seed})
		if err != nil {
			if err.Error() == "" || !s.IsZero() {
				t.Fatalf("%q: error %q, schedule %q", expr, err, s)
			}
			if meant := suggestion(err); strings.HasPrefix(meant, "@") || len(strings.Fields(meant)) > 1 {
				if _, err := schedule.Parse(meant, schedule.Options{Seed: seed}); err != nil {
					t.Fatalf("%q: suggested is %q: %v", expr, meant, err)
				}
			}
			return
		}
		text := s.String()
		again, err := schedule.Parse(text, schedule.Options{Seed: seed})
		if err != nil {
			t.Fatalf("%q: String %q: %v", expr, text, err)
		}
		if again.String() != text || again.Key() != s.Key() || again.Describe() != s.Describe() {
			t.Fatalf("%q: %q %q %q becomes %q %q %q", expr, text, s.Key(), s.Describe(), again.String(), again.Key(), again.Describe())
		}
		if _, ok := s.Next(time.Time{}); !ok {
			t.Fatalf("%q never fires", expr)
		}
		if d := s.Describe(); !strings.HasPrefix(d, "At ") && !strings.HasPrefix(d, "Every ") && !strings.HasPrefix(d, "Once, ") {
			t.Fatalf("%q: %q", expr, d)
		}
		s.Notes(time.Unix(0, 0), time.Unix(1<<31, 0))
	})
}

// FuzzNext: from any instant in any zone, slots are whole milliseconds, strictly
// increasing, and no slot is lost by asking from somewhere in between.
func FuzzNext(f *testing.F) {
	for i, zone := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Africa/Monrovia", "Africa/Casablanca", "Antarctica/Troll"} {
		for j, expr := range []string{"* * * * *", "30 2 * * *", "*/7 */2 * * *", "0 0 L * *", "0 0 29 2 *", "*/7 * * * * *", "@every 11ms", "@at 2027-01-01T00:00:00Z", "15 1 15W * 5#3"} {
			f.Add(expr, zone, int64(i*j)*123_456_789, int64(j))
		}
	}
	f.Add("0 12 31 12 *", "Europe/Berlin", time.Date(2096, 12, 31, 10, 0, 0, 0, time.UTC).Unix(), int64(0))
	f.Add("* * * * *", "America/New_York", int64(-1<<62), int64(1))
	f.Add("* * * * *", "America/New_York", int64(1<<62), int64(1))
	f.Fuzz(func(t *testing.T, expr, zone string, sec, nsec int64) {
		loc, err := schedule.LoadLocation(zone)
		if err != nil {
			return
		}
		s, err := schedule.Parse(expr, schedule.Options{Location: loc, Seed: "job"})
		if err != nil {
			return
		}
		at := time.Unix(sec, nsec)
		for range 20 {
			next, ok := s.Next(at)
			if !ok {
				return
			}
			if !next.After(at) || next.Nanosecond()%1e6 != 0 || next.Location() != s.Location() {
				t.Fatalf("%q in %s: after %v comes %v", expr, s.Location(), at, next)
			}
			// Ask again from halfway: the same slot.
			half := next.Add(-next.Sub(at) / 2)
			if half.Before(next) && half.After(at) {
				if got, ok := s.Next(half); !ok || !got.Equal(next) {
					t.Fatalf("%q in %s: after %v comes %v, but after %v %v", expr, s.Location(), at, next, half, got)
				}
			}
			if got, ok := s.Next(next.Add(-1)); !ok || !got.Equal(next) {
				t.Fatalf("%q in %s: after %v comes %v, but just before that %v", expr, s.Location(), at, next, got)
			}
			at = next
		}
	})
}
