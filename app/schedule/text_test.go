package schedule_test

import (
	"testing"
	"time"

	"fibercrons/app/schedule"
)

func TestString(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{" 0\t9 *  * MON-fri ", "0 9 * * 1-5"},
		{"0 30 9 * * *", "0 30 9 * * *"},
		{"05 009 1,015 * *", "5 9 1,15 * *"},
		{"*/1 */02 ? * ?", "* */2 ? * ?"},
		{"3/05 * * * *", "3/5 * * * *"},
		{"5-5 10-20/1 1-9/2 * *", "5 10-20 1-9/2 * *"},
		{"0 0 1 JAN,jul-DEC *", "0 0 1 1,7-12 *"},
		{"0 0 * * 7", "0 0 * * 0"},
		{"0 0 * * 5-7", "0 0 * * 5-0"},
		{"0 0 * * 0-7,7-2,7-7,1-7/3", "0 0 * * 0-6,0-2,0,1-0/3"},
		{"0 0 l,L-0,l-3,lw,L-2w,15w,w * *", "0 0 L,L,L-3,LW,L-2W,15W,W * *"},
		{"0 0 * * friL,7l,SUN#2,7#1", "0 0 * * 5L,0L,0#2,0#1"},
		{"h H(0-7) h/4 H h(MON-7)", "H H(0-7) H/4 H H(1-0)"},
		{"H/1 H(3-3) H(1-9)/3 * *", "H/1 H(3-3) H(1-9)/3 * *"},
		{"@daily", "0 0 * * *"},
		{"@every 90s", "@every 1m30s"},
		{"@at 2027-01-01T02:00:00.250+02:00", "@at 2027-01-01T00:00:00.25Z"},
		{"TZ=Europe/Berlin @hourly", "CRON_TZ=Europe/Berlin 0 * * * *"},
		{"TZ=UTC @hourly", "0 * * * *"},
		{"TZ=Asia/Kolkata @every 1h", "CRON_TZ=Asia/Kolkata @every 1h0m0s"},
	} {
		s := parse(t, c.expr, nil)
		if got := s.String(); got != c.want {
			t.Errorf("%q: %q, want %q", c.expr, got, c.want)
		}
		again := parse(t, s.String(), nil)
		if again.String() != s.String() || again.Key() != s.Key() {
			t.Errorf("%q: %q (%s) becomes %q (%s)", c.expr, s, s.Key(), again, again.Key())
		}
	}
}

// TestKey puts expressions into groups: within one, keys are equal; between two,
// they differ.
func TestKey(t *testing.T) {
	berlin := load(t, "Europe/Berlin")
	type in struct {
		expr string
		loc  *time.Location
		seed string
	}
	groups := [][]in{
		{{"0 9 * * 1-5", nil, ""}, {"0 0 9 * * MON-FRI", nil, "x"}, {"TZ=UTC 0 9 ? * 1,2,3-5", berlin, ""}, {"0 9 * JAN-DEC 5,4,3,2,1", time.UTC, ""}},
		{{"0 9 * * 1-5", berlin, ""}, {"TZ=Europe/Berlin 0 9 * * 1-5", nil, ""}},
		{{"CRON_TZ=Europe/Vienna 0 9 * * 1-5", nil, ""}},
		{{"@daily", nil, ""}, {"0 0 * * *", nil, ""}, {"0 0 1-31 * MON", nil, ""}, {"0 0 13 * 0-7", nil, ""}, {"0 0 ?,L,W * *,5L", nil, ""}},
		{{"0 0 1-7 * MON", nil, ""}},
		{{"0 0 */1 * MON", nil, ""}, {"0 0 ? * MON", nil, ""}},
		{{"0 0 1-7 * */2", nil, ""}},
		{{"*/30 * * * *", nil, ""}, {"0,30 0-23 * * *", nil, ""}}, // no clock is moved in UTC
		{{"*/30 * * * *", berlin, ""}},
		{{"0,30 0-23 * * *", berlin, ""}},
		{{"0 0 L * *", nil, ""}}, {{"0 0 L-1 * *", nil, ""}}, {{"0 0 LW * *", nil, ""}}, {{"0 0 31W * *", nil, ""}}, {{"0 0 W * *", nil, ""}},
		{{"0 0 * * 5L", nil, ""}}, {{"0 0 * * 5#1", nil, ""}}, {{"0 0 * * 5#2", nil, ""}},
		{{"* * * * * *", nil, ""}}, {{"* * * * *", nil, ""}, {"0 * * * * *", nil, ""}},
		{{"@every 30m", nil, ""}, {"@every 1800s", berlin, ""}}, {{"@every 31m", nil, ""}},
		{{"@at 2027-01-01T00:00:00Z", nil, ""}, {"@at 2027-01-01T01:00:00+01:00", berlin, ""}}, {{"@at 2027-01-01T00:00:00.001Z", nil, ""}},
		{{"H H * * *", nil, "hello"}, {"2 1 * * *", nil, ""}},
		{{"H H * * *", nil, "backup"}},
		{{"0 9 * * *", time.FixedZone("X", 3600), ""}}, {{"0 9 * * *", time.FixedZone("X", 7200), ""}},
	}
	seen := map[string]int{}
	for i, group := range groups {
		for _, c := range group {
			s, err := schedule.Parse(c.expr, schedule.Options{Location: c.loc, Seed: c.seed})
			if err != nil {
				t.Fatal(err)
			}
			if j, ok := seen[s.Key()]; ok && j != i {
				t.Errorf("%q in %v has the key of group %v: %s", c.expr, c.loc, groups[j], s.Key())
			} else if !ok && c != group[0] {
				t.Errorf("%q in %v has another key than %q: %s", c.expr, c.loc, group[0].expr, s.Key())
			}
			seen[s.Key()] = i
		}
	}
}
