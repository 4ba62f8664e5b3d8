package schedule_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

// TestParseErrors is the list of what a person who has slipped is told.
func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ expr, field, want string }{
		{"60 * * * *", "minute", `minute 60 is out of range 0-59; did you mean 0?`},
		{"1-61 * * * *", "minute", `minute 61 is out of range 0-59`},
		{"00099 * * * *", "minute", `minute "00099": "00099" is not a minute (0-59)`},
		{"0099 * * * *", "minute", `minute 99 is out of range 0-59`},
		{"0 24 * * *", "hour", `hour 24 is out of range 0-23; did you mean 0?`},
		{"60 0 0 * * *", "second", `second 60 is out of range 0-59`},
		{"0 0 0 * *", "day of month", `day of month 0 is out of range 1-31; the first day is 1, and L is the last`},
		{"0 0 32 * *", "day of month", `day of month 32 is out of range 1-31`},
		{"0 0 32W * *", "day of month", `day of month 32 is out of range 1-31`},
		{"0 0 * 0 *", "month", `month 0 is out of range 1-12; January is 1`},
		{"0 0 * 13 *", "month", `month 13 is out of range 1-12`},
		{"0 0 * * 8", "day of week", `day of week 8 is out of range 0-7; Sunday is 0 or 7, Saturday is 6`},

		{"0 0 * * MON-FIR", "day of week", `day of week "MON-FIR": unknown day "FIR"; did you mean FRI?`},
		{"0 0 * * monday", "day of week", `day of week "monday": unknown day "monday"; did you mean MON?`},
		{"0 0 * * someday", "day of week", `day of week "someday": unknown day "someday"`},
		{"0 0 * sept *", "month", `month "sept": unknown month "sept"; did you mean SEP?`},
		{"0 0 * XYZ *", "month", `month "XYZ": unknown month "XYZ"`},
		{"* * MON-FIR * *", "day of month", `day of month "MON-FIR": "MON" is not a day of month (1-31); MON is a day of week: the order is minute, hour, day of month, month, day of week`},
		{"9am * * * *", "minute", `minute "9am": "9am" is not a minute (0-59)`},
		{"-1 * * * *", "minute", `minute "-1": a value is missing`},
		{"5- * * * *", "minute", `minute "5-": a value is missing`},
		{"1,,2 * * * *", "minute", `minute "1,,2": a value is missing beside a comma`},
		{", * * * *", "minute", `minute ",": a value is missing beside a comma`},
		{"hello world", "expression", `"hello world" is not a cron expression; expected five fields, as in 30 9 * * MON-FRI, or a macro, as in @daily`},

		{"*/0 * * * *", "minute", `minute "*/0": step 0 is out of range 1-60`},
		{"*/90 * * * *", "minute", `minute "*/90": step 90 is out of range 1-60; did you mean @every 90m?`},
		{"0 */36 * * *", "hour", `hour "*/36": step 36 is out of range 1-24; did you mean @every 36h?`},
		{"*/ * * * *", "minute", `minute "*/": step "" is not a whole number`},
		{"*/5m * * * *", "minute", `minute "*/5m": step "5m" is not a whole number`},
		{"/5 * * * *", "minute", `minute "/5": a value is missing; did you mean */5?`},

		{"? * * * *", "minute", `minute "?": ? stands only in day of month and day of week; did you mean *?`},
		{"0 0 ?/2 * *", "day of month", `day of month "?/2": ? takes no step; did you mean */2?`},
		{"0 L * * *", "hour", `hour "L": L, W and # stand only in day of month and day of week`},
		{"0 5W * * *", "hour", `hour "5W": L, W and # stand only in day of month and day of week`},
		{"0 0 * * L", "day of week", `day of week "L": L alone stands only in day of month; 5L is the last Friday of the month`},
		{"0 0 * * 5W", "day of week", `day of week "5W": W stands only in day of month; Monday to Friday is MON-FRI`},
		{"0 0 5#2 * *", "day of month", `day of month "5#2": # stands only in day of week`},
		{"0 0 1-5W * *", "day of month", `day of month "1-5W": W takes one day, not a range; 15W is the weekday nearest the 15th`},
		{"0 0 L-31 * *", "day of month", `day of month "L-31": L-n counts 0 to 30 days back from the last day of the month`},
		{"0 0 L/2 * *", "day of month", `day of month "L/2": L takes no step`},
		{"0 0 * * 5#6", "day of week", `day of week "5#6": # counts weeks 1-5, not "6"`},
		{"0 0 * * FIR#2", "day of week", `day of week "FIR#2": unknown day "FIR"; did you mean FRI?`},

		{"H(5) * * * *", "minute", `minute "H(5)": H is written H, H(a-b), H/n or H(a-b)/n`},
		{"H( * * * *", "minute", `minute "H(": H is written H, H(a-b), H/n or H(a-b)/n`},
		{"H(0-60) * * * *", "minute", `minute 60 is out of range 0-59; did you mean 59?`},
		{"H(0-4)/6 * * * *", "minute", `minute "H(0-4)/6": step 6 is larger than the 5 values H may take`},

		{"", "expression", `the expression is empty; expected five fields: minute, hour, day of month, month, day of week`},
		{"* * * *", "expression", `"* * * *" has 4 fields, not 5 (minute, hour, day of month, month, day of week): day of week is missing; did you mean * * * * *?`},
		{"0 9", "expression", `"0 9" has 2 fields, not 5 (minute, hour, day of month, month, day of week): day of month, month, day of week are missing; did you mean 0 9 * * *?`},
		{"0 0 12 ? * MON 2025", "year", `"0 0 12 ? * MON 2025" has 7 fields: the seventh, a Quartz year, is not supported; without it the expression fires in every year`},
		{"* * * * * * * *", "expression", `"* * * * * * * *" has 8 fields, not 5 (minute, hour, day of month, month, day of week) or 6 (second first)`},

		{"@evry 5m", "expression", `unknown macro "@evry"; did you mean @every 5m?`},
		{"@dayly", "expression", `unknown macro "@dayly"; did you mean @daily?`},
		{"@often", "expression", `unknown macro "@often"; known are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every, @at, @ondemand`},
		{"@daily 9", "expression", `@daily stands alone, without "9"`},
		{"@reboot", "expression", `@reboot names no instant, so it has no slot; call the function at start-up instead`},
		{"hourly", "expression", `"hourly" is not a cron expression; did you mean @hourly?`},
		{"5m", "expression", `"5m" is not a cron expression; did you mean @every 5m?`},
		{"every 5m", "expression", `"every 5m" is not a cron expression; did you mean @every 5m?`},
		{"2027-01-01T00:00:00Z", "expression", `"2027-01-01T00:00:00Z" is not a cron expression; did you mean @at 2027-01-01T00:00:00Z?`},

		{"@every", "interval", `@every needs an interval; @every 5m`},
		{"@every 5", "interval", `interval "5" is not a duration like 90s, 5m or 1h30m; add a unit, as in @every 5s or @every 5m`},
		{"@every 2d", "interval", `interval "2d" is not a duration like 90s, 5m or 1h30m; hours are the largest unit: @every 48h`},
		{"@every 1h 30m", "interval", `interval "1h 30m" is not a duration like 90s, 5m or 1h30m; did you mean @every 1h30m?`},
		{"@every 0s", "interval", `interval 0s is shorter than the smallest, 10ms`},
		{"@every -5m", "interval", `interval -5m is shorter than the smallest, 10ms`},
		{"@every 9ms", "interval", `interval 9ms is shorter than the smallest, 10ms`},
		{"@every 10500us", "interval", `interval 10500us is not a whole number of milliseconds`},

		{"@at", "instant", `@at needs an instant; @at 2027-01-01T00:00:00Z`},
		{"@at tomorrow", "instant", `instant "tomorrow" is not in RFC 3339 form, like 2027-01-01T00:00:00Z`},
		{"TZ=Europe/Berlin @at 2027-07-01 09:00", "instant", `instant "2027-07-01 09:00" is not in RFC 3339 form, like 2027-01-01T00:00:00Z; did you mean @at 2027-07-01T09:00:00+02:00?`},
		{"@at 1969-12-31T00:00:00Z", "instant", `instant 1969-12-31T00:00:00Z is before 1970`},
		{"@at 2027-01-01T00:00:00.0001Z", "instant", `instant 2027-01-01T00:00:00.0001Z is finer than a millisecond`},

		{"0 0 30 2 *", "day of month", `the expression never fires: there is no day of month 30 in February; L is the last day of a month`},
		{"0 0 31 2,4,6,9,11 *", "day of month", `the expression never fires: there is no day of month 31 in February, April, June, September and November; L is the last day of a month`},
		{"0 0 L-30 2,4 ?", "day of month", `the expression never fires: there is no day of month L-30 in February and April`},
		{"0 0 30W 2 *", "day of month", `the expression never fires: there is no day of month 30W in February`},
		{"0 0 31 2 */7", "day of week", `the expression never fires: no date in February has day of month 31 and day of week */7`},

		{"TZ= * * * * *", "time zone", `the time zone is empty; write UTC or a name such as Europe/Berlin`},
		{"TZ=Europe/Berln 0 9 * * *", "time zone", `unknown time zone "Europe/Berln"; did you mean Europe/Berlin?`},
		{"CRON_TZ=Local 0 9 * * *", "time zone", `time zone Local differs between machines; name the zone, such as Europe/Berlin`},
		{"TZ=UTC", "expression", `the expression is empty; expected five fields: minute, hour, day of month, month, day of week`},
		{"TZ=UTC 0 9", "expression", `"0 9" has 2 fields, not 5 (minute, hour, day of month, month, day of week): day of month, month, day of week are missing; did you mean 0 9 * * *?`},
		{strings.Repeat("1,", 500) + "1 * * * *", "expression", `an expression of 1009 bytes is longer than the limit of 1000`},
	} {
		s, err := schedule.Parse(c.expr, schedule.Options{})
		if err == nil {
			t.Errorf("%q: accepted as %q, want %q", c.expr, s, c.want)
			continue
		}
		var e *schedule.Error
		if !errors.As(err, &e) {
			t.Fatalf("%q: a %T, want *schedule.Error", c.expr, err)
		}
		if err.Error() != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.expr, err, c.want)
		}
		if e.Field != c.field || e.Expr != c.expr {
			t.Errorf("%q: field %q of %q, want %q", c.expr, e.Field, e.Expr, c.field)
		}
		if !s.IsZero() {
			t.Errorf("%q: an error and a schedule", c.expr)
		}
		// What is suggested must work.
		if _, rest, ok := strings.Cut(e.Hint, "did you mean "); ok && e.Field == "expression" {
			if meant := strings.TrimSuffix(rest, "?"); parse(t, meant, nil).IsZero() {
				t.Errorf("%q: the suggestion %q is a zero schedule", c.expr, meant)
			}
		}
	}
}

func TestLocation(t *testing.T) {
	berlin, kolkata := load(t, "Europe/Berlin"), load(t, "Asia/Kolkata")
	for _, c := range []struct {
		expr string
		loc  *time.Location
		want *time.Location
	}{
		{"0 9 * * *", nil, time.UTC},
		{"0 9 * * *", berlin, berlin},
		{"TZ=Asia/Kolkata 0 9 * * *", berlin, kolkata},
		{"CRON_TZ=Asia/Kolkata 0 9 * * *", nil, kolkata},
		{"CRON_TZ=UTC 0 9 * * *", berlin, time.UTC},
		{" TZ=Asia/Kolkata  @daily", nil, kolkata},
		{"TZ=Asia/Kolkata @every 1h", nil, kolkata},
	} {
		s := parse(t, c.expr, c.loc)
		got, ok := s.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if s.Location().String() != c.want.String() || !ok || got.Location().String() != c.want.String() {
			t.Errorf("%q: in %v, next in %v, want %v", c.expr, s.Location(), got.Location(), c.want)
		}
	}
	if _, err := schedule.Parse("0 9 * * *", schedule.Options{Location: time.Local}); err == nil {
		t.Error("time.Local is accepted")
	}
}

func TestLoadLocation(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"", `the time zone is empty; write UTC or a name such as Europe/Berlin`},
		{"Local", `time zone Local differs between machines; name the zone, such as Europe/Berlin`},
		{"local", `time zone Local differs between machines; name the zone, such as Europe/Berlin`},
		{"europe/berlin", `unknown time zone "europe/berlin"; did you mean Europe/Berlin?`},
		{"utc", `unknown time zone "utc"; did you mean UTC?`},
		{"Europe/Berln", `unknown time zone "Europe/Berln"; did you mean Europe/Berlin?`},
		{"Berlin", `unknown time zone "Berlin"; did you mean Europe/Berlin?`},
		{"New York", `unknown time zone "New York"; did you mean America/New_York?`},
		{"America/Berlin", `unknown time zone "America/Berlin"; did you mean Europe/Berlin?`},
		{"Europe/Kolkatta", `unknown time zone "Europe/Kolkatta"; did you mean Asia/Kolkata?`},
		{"PST", `unknown time zone "PST"; an abbreviation is not a zone: did you mean America/Los_Angeles?`},
		{"UTC+2", `unknown time zone "UTC+2"; a fixed offset is written Etc/GMT-2 for UTC+2, with the sign reversed`},
		{"+02:00", `unknown time zone "+02:00"; a fixed offset is written Etc/GMT-2 for UTC+2, with the sign reversed`},
		{"../etc/passwd", `unknown time zone "../etc/passwd"`},
		{"Middle/Earth", `unknown time zone "Middle/Earth"`},
	} {
		loc, err := schedule.LoadLocation(c.name)
		if err == nil {
			t.Errorf("%q: accepted as %v", c.name, loc)
		} else if err.Error() != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.name, err, c.want)
		}
	}
	if loc, err := schedule.LoadLocation("UTC"); err != nil || loc != time.UTC {
		t.Errorf("UTC: %v, %v", loc, err)
	}
	// Every name that is suggested can be loaded, on any machine.
	names := zoneNames(t)
	for _, name := range names {
		if loc := load(t, name); loc.String() != name {
			t.Errorf("%s is loaded as %s", name, loc)
		}
	}
	if len(names) < 400 {
		t.Errorf("only %d zones are known", len(names))
	}
}
