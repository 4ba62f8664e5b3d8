package schedule_test

import (
	"strings"
	"testing"

	"fibercrons/app/schedule"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		// Minutes of every hour.
		{"* * * * *", "Every minute"},
		{"*/5 * * * *", "Every 5 minutes"},
		{"0/20 * * * *", "Every 20 minutes"},
		{"0,30 * * * *", "Every 30 minutes"},
		{"*/7 * * * *", "Every 7 minutes from minute 0 to minute 56 of every hour"},
		{"3/5 * * * *", "Every 5 minutes from minute 3 to minute 58 of every hour"},
		{"10-40/5 * * * *", "Every 5 minutes from minute 10 to minute 40 of every hour"},
		{"0-10 * * * *", "Every minute from minute 0 to minute 10 of every hour"},
		{"55-5 * * * *", "At minutes 0 to 5 and 55 to 59 of every hour"},
		{"0 * * * *", "Every hour on the hour"},
		{"15 * * * *", "At minute 15 of every hour"},
		{"0,15,40 * * * *", "At minutes 0, 15 and 40 of every hour"},
		{"0,11-32,50,55 * * * *", "At minutes 0, 11 to 32, 50 and 55 of every hour"},
		{"0 * * * 1-5", "Every hour on the hour on Monday to Friday"},
		{"*/5 * * * SAT,SUN", "Every 5 minutes on Saturday and Sunday"},

		// Hours.
		{"30 9 * * *", "At 09:30 every day"},
		{"0 9,18 * * *", "At 09:00 and 18:00 every day"},
		{"*/15 9 * * *", "At 09:00, 09:15, 09:30 and 09:45 every day"},
		{"0 */6 * * *", "At 00:00, 06:00, 12:00 and 18:00 every day"},
		{"0 */2 * * *", "Every 2 hours from 00:00 to 22:00 every day"},
		{"15 */2 * * *", "Every 2 hours from 00:15 to 22:15 every day"},
		{"0 9-17 * * *", "Every hour from 09:00 to 17:00 every day"},
		{"30 22-4 * * *", "Every hour from 22:30 to 04:30 every day"},
		{"30 22-4 * * MON", "At minute 30 of hours 00 to 04, 22 and 23 on Monday"},
		{"55-5 9 * * *", "At minutes 0 to 5 and 55 to 59 of hour 09 every day"},
		{"*/30 9-17 * * *", "Every 30 minutes from 09:00 to 17:30 every day"},
		{"*/10 22-4 * * *", "Every 10 minutes from 22:00 to 04:50 every day"},
		{"* 9 * * *", "Every minute from 09:00 to 09:59 every day"},
		{"* 9-17 * * 1-5", "Every minute from 09:00 to 17:59 on Monday to Friday"},
		{"*/5 9 * * *", "Every 5 minutes from 09:00 to 09:55 every day"},
		{"10-40/5 9 * * *", "Every 5 minutes from 09:10 to 09:40 every day"},
		{"0,15 9-17 * * *", "At minutes 0 and 15 of every hour from 09 to 17 every day"},
		{"0,20,50 */2 * * *", "At minutes 0, 20 and 50 of every 2nd hour from 00 to 22 every day"},
		{"* 9,12,16 * * *", "Every minute of hours 09, 12 and 16 every day"},
		{"* 9-12,16 * * *", "Every minute of hours 09 to 12 and 16 every day"},
		{"*/7 9,12,16 * * *", "Every 7 minutes from minute 0 to minute 56 of hours 09, 12 and 16 every day"},
		{"1,2,4,8,16,32,33 9 * * *", "At minutes 1, 2, 4, 8, 16, 32 and 33 of hour 09 every day"},

		// Days of the week.
		{"30 9 * * 1-5", "At 09:30 on Monday to Friday"},
		{"30 9 * * FRI-MON", "At 09:30 on Friday to Monday"},
		{"30 9 * * 0,6", "At 09:30 on Saturday and Sunday"},
		{"30 9 * * MON-WED,SAT", "At 09:30 on Monday to Wednesday and Saturday"},
		{"30 9 * * 7", "At 09:30 on Sunday"},
		{"30 9 * * FRI,WED,MON", "At 09:30 on Monday, Wednesday and Friday"},
		{"0 0 * * 5L", "At 00:00 on the last Friday of the month"},
		{"0 0 * * 5#2", "At 00:00 on the second Friday of the month"},
		{"0 0 * * 1#1,1#3", "At 00:00 on the first Monday and the third Monday of the month"},
		{"0 0 * * 1,5L", "At 00:00 on Monday and the last Friday of the month"},

		// Days of the month.
		{"0 0 1 * *", "At 00:00 on the 1st of the month"},
		{"0 0 2,3,11,21,31 * *", "At 00:00 on the 2nd, 3rd, 11th, 21st and 31st of the month"},
		{"0 0 1-7 * *", "At 00:00 on the 1st to 7th of the month"},
		{"0 0 1-3,10,20-22 * *", "At 00:00 on the 1st to 3rd, 10th and 20th to 22nd of the month"},
		{"0 0 28-3 * *", "At 00:00 on the 1st to 3rd and 28th to 31st of the month"},
		{"0 0 */2 * *", "At 00:00 on every 2nd day from the 1st to the 31st of the month"},
		{"0 0 1-10/3 * *", "At 00:00 on every 3rd day from the 1st to the 10th of the month"},
		{"0 0 L * *", "At 00:00 on the last day of the month"},
		{"0 0 L-1 * *", "At 00:00 on the day before the last of the month"},
		{"0 0 L-3 * *", "At 00:00 on the 3rd day before the last of the month"},
		{"0 0 LW * *", "At 00:00 on the last weekday (Monday to Friday) of the month"},
		{"0 0 L-3W * *", "At 00:00 on the weekday nearest the 3rd day before the last of the month"},
		{"0 0 15W * *", "At 00:00 on the weekday nearest the 15th of the month"},
		{"0 0 W * *", "At 00:00 on every weekday (Monday to Friday)"},
		{"0 0 1,15W,L * *", "At 00:00 on the 1st, the weekday nearest the 15th and the last day of the month"},

		// Both, either.
		{"0 0 13 * 5", "At 00:00 on the 13th of the month and on every Friday"},
		{"0 0 13 * 5#2", "At 00:00 on the 13th of the month and on the second Friday of the month"},
		{"0 0 */2 * MON", "At 00:00 on every 2nd day from the 1st to the 31st of the month if that is a Monday"},
		{"0 0 */3 * 1,5", "At 00:00 on every 3rd day from the 1st to the 31st of the month if that is Monday or Friday"},
		{"0 0 1-7 * */7", "At 00:00 on the 1st to 7th of the month if that is a Sunday"},

		// Months.
		{"0 0 1 1 *", "At 00:00 on the 1st of January"},
		{"0 0 1 1,4,7,10 *", "At 00:00 on the 1st of January, April, July and October"},
		{"0 0 29 2 *", "At 00:00 on the 29th of February"},
		{"0 0 * 6-8 *", "At 00:00 every day in June to August"},
		{"*/5 * * 12 *", "Every 5 minutes in December"},
		{"0 0 * 11-2 MON", "At 00:00 on Monday in November to February"},
		{"0 9 * 1,3 5#2", "At 09:00 on the second Friday of January and March"},
		{"0 0 L 2 *", "At 00:00 on the last day of February"},
		{"0 0 W 1 *", "At 00:00 on every weekday (Monday to Friday) in January"},
		{"0 0 13 1 5", "At 00:00 on the 13th of January and on every Friday in January"},
		{"0 0 13 1 5L", "At 00:00 on the 13th of January and on the last Friday of January"},

		// Seconds.
		{"* * * * * *", "Every second"},
		{"*/10 * * * * *", "Every 10 seconds"},
		{"*/7 * * * * *", "Every 7 seconds from second 0 to second 56 of every minute"},
		{"5/10 * * * * *", "Every 10 seconds from second 5 to second 55 of every minute"},
		{"30 * * * * *", "At second 30 of every minute"},
		{"30 */5 * * * 1", "Every 5 minutes at second 30 on Monday"},
		{"5,7 0 9-17 * * *", "Every hour from 09:00 to 17:00 at seconds 5 and 7 every day"},
		{"*/10 */5 * * * *", "Every 5 minutes, every 10 seconds of that minute"},
		{"*/10 */5 * * * 1-5", "Every 5 minutes, every 10 seconds of that minute, on Monday to Friday"},
		{"15 30 9 * * *", "At 09:30:15 every day"},
		{"*/30 30 9 * * *", "At 09:30:00 and 09:30:30 every day"},
		{"*/5 30 9 * * *", "Every 5 seconds from 09:30:00 to 09:30:55 every day"},
		{"*/10 * 9-17 * * *", "Every 10 seconds from 09:00:00 to 17:59:50 every day"},
		{"*/5 30 9,12 * * *", "At 09:30 and 12:30, every 5 seconds of that minute, every day"},
		{"0 30 9 * * MON-FRI", "At 09:30 on Monday to Friday"},

		// H, macros, zones.
		{"H H * * *", "At 01:02 every day"},
		{"H * * * *", "At minute 2 of every hour"},
		{"H/15 * * * *", "Every 15 minutes from minute 2 to minute 47 of every hour"},
		{"@yearly", "At 00:00 on the 1st of January"},
		{"@monthly", "At 00:00 on the 1st of the month"},
		{"@weekly", "At 00:00 on Sunday"},
		{"@daily", "At 00:00 every day"},
		{"@hourly", "Every hour on the hour"},
		{"TZ=Europe/Berlin 30 9 * * MON-FRI", "At 09:30 on Monday to Friday, Europe/Berlin"},
		{"TZ=UTC 30 9 * * MON-FRI", "At 09:30 on Monday to Friday"},
		{"TZ=Asia/Kolkata */5 * * * *", "Every 5 minutes, Asia/Kolkata"},

		// @every and @at.
		{"@every 1s", "Every second"},
		{"@every 90s", "Every 90 seconds"},
		{"@every 1h", "Every hour"},
		{"@every 90m", "Every 90 minutes"},
		{"@every 24h", "Every 24 hours"},
		{"@every 1500ms", "Every 1.5 seconds"},
		{"@every 10ms", "Every 10 milliseconds"},
		{"TZ=Asia/Kolkata @every 90s", "Every 90 seconds"},
		{"@at 2027-01-01T00:00:00Z", "Once, at 00:00 on Friday 1 January 2027"},
		{"TZ=Asia/Kolkata @at 2027-01-01T00:00:05Z", "Once, at 05:30:05 on Friday 1 January 2027, Asia/Kolkata"},
		{"@at 2027-01-01T00:00:00.25Z", "Once, at 00:00:00.250 on Friday 1 January 2027"},
	} {
		s, err := schedule.Parse(c.expr, schedule.Options{Seed: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Describe(); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.expr, got, c.want)
		}
	}
}

// TestDescribeAnything looks for what no sentence should have, in descriptions
// of the whole grammar.
func TestDescribeAnything(t *testing.T) {
	r := newRand(t)
	for i := range 5000 {
		expr := randomExpr(r, i%5 == 0)
		s, err := schedule.Parse(expr, schedule.Options{Seed: "job"})
		if err != nil {
			continue
		}
		got := s.Describe()
		for _, bad := range []string{"  ", " ,", ",,", "%!", "and and", "on on", "every every", "every the", "of of", "  of", " ."} {
			if strings.Contains(got, bad) || strings.TrimSpace(got) != got {
				t.Fatalf("%q: %q", expr, got)
			}
		}
		if !strings.HasPrefix(got, "At ") && !strings.HasPrefix(got, "Every ") {
			t.Fatalf("%q: %q", expr, got)
		}
		if i < 12 {
			t.Logf("%-40s %s", expr, got)
		}
	}
}
