package schedule_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

var (
	long = flag.Bool("schedule.long", false, "compare every transition of every zone, and a million random cases, with the model of Debian's cron")
	seed = flag.Uint64("schedule.seed", 0, "seed of the random cases; 0 takes a new one")
)

func newRand(t *testing.T) *rand.Rand {
	s := *seed
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("-schedule.seed=%d", s)
	return rand.New(rand.NewPCG(s, 0))
}

func zoneNames(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

func load(t testing.TB, zone string) *time.Location {
	t.Helper()
	loc, err := schedule.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func parse(t testing.TB, expr string, loc *time.Location) schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(expr, schedule.Options{Location: loc, Seed: "job"})
	if err != nil {
		t.Fatalf("%q: %v", expr, err)
	}
	return s
}

// entry is an expression for the model and for the package.
type entry struct {
	model    *modelJob
	schedule schedule.Schedule
}

func newEntry(t testing.TB, expr string, loc *time.Location) entry {
	t.Helper()
	return entry{newModelJob(t, expr, "job"), parse(t, expr, loc)}
}

// differ returns the first slot in which the package and the model disagree
// over the time the clock covers, or "".
func (e entry) differ(c *modelClock, from, until int64) string {
	want := e.model.run(c)
	i := 0
	for got := range e.schedule.Between(time.Unix(from, 0), time.Unix(until, 0)) {
		switch {
		case i == len(want):
			return fmt.Sprintf("%q fires at %v; the model does not", e.model.expr, got)
		case got.Unix() != want[i] || got.Nanosecond() != 0:
			return fmt.Sprintf("%q fires at %v; the model at %v", e.model.expr, got, time.Unix(want[i], 0).In(got.Location()))
		}
		i++
	}
	if i < len(want) {
		return fmt.Sprintf("%q does not fire at %v; the model does", e.model.expr, time.Unix(want[i], 0).In(e.schedule.Location()))
	}
	return ""
}

// transitions finds the instants at which a zone's clock is moved between two
// years by asking for the offset every few hours.
func transitions(loc *time.Location, first, last int) []int64 {
	const stride = 6 * 3600
	var at []int64
	t := time.Date(first, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	end := time.Date(last+1, 1, 1, 0, 0, 0, 0, time.UTC).Unix()
	for before := offsetAt(t, loc); t < end; t += stride {
		after := offsetAt(t+stride, loc)
		if after == before {
			continue
		}
		lo, hi := t, t+stride
		for hi-lo > 1 {
			if mid := (lo + hi) / 2; offsetAt(mid, loc) == before {
				lo = mid
			} else {
				hi = mid
			}
		}
		at = append(at, hi)
		before = after
	}
	return at
}

// aroundTransitions are expressions for the day around a change of the clock,
// and often those that fire so often that a few hours will do.
var (
	aroundTransitions = []string{
		"*/10 0-5 * * *", "* 2 * * *", "*/15 1,2,3 * * *", "0 */2 * * *", "30 */3 * * *", "5 1/2 * * *",
		"0 0 * * *", "30 0 * * *", "0 1 * * *", "30 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *", "45 2 * * *", "59 2 * * *",
		"0 3 * * *", "1 3 * * *", "30 3 * * *", "0 4 * * *", "0 23 * * *", "30 23 * * *", "59 23 * * *",
		"0-59 2 * * *", "0,15,30,45 0-4 * * *", "30 22-3 * * *", "0 12 * * *", "30 2 * * SUN", "30 2 * * MON-SAT",
		"30 2 L * *", "0 0 1 * *", "30 1,2 8-14 * SUN", "15 1 */2 * SUN", "30 2 ? * 0,6", "H H * * *", "H H(0-3) * * *", "0 30 2 * * *",
	}
	often = []string{
		"* * * * *", "*/5 * * * *", "*/7 * * * *", "0 * * * *", "30 * * * *", "59 * * * *", "15,45 * * * *", "3/5 * * * *",
		"0-10 * * * *", "0,30 0-23 * * *", "0-59 0-23 * * *", "H/20 * * * *",
	}
)

// secondsAroundTransitions have six fields: the model ticks sixty times as often.
var secondsAroundTransitions = []string{
	"* * * * * *", "*/20 * * * * *", "30 30 2 * * *", "15 0,30 0-4 * * *", "*/30 30 1-3 * * *", "10 0-59 * * * *", "45 59 */1 * * *",
}

// near returns expressions that name the readings of the clock at a change.
func near(at int64, loc *time.Location) []string {
	var out []string
	for _, w := range []int64{
		at + offsetAt(at-1, loc), at + offsetAt(at, loc), // as it was to be, as it is
		at + offsetAt(at-1, loc) - 60, at + offsetAt(at, loc) + 60,
		at + (offsetAt(at-1, loc)+offsetAt(at, loc))/2,
	} {
		wall := time.Unix(w, 0).UTC()
		out = append(out,
			fmt.Sprintf("%d %d * * *", wall.Minute(), wall.Hour()),
			fmt.Sprintf("%d %d %d %d *", wall.Minute(), wall.Hour(), wall.Day(), wall.Month()),
			fmt.Sprintf("*/10 %d * * *", wall.Hour()))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestDebianAtEveryTransition(t *testing.T) {
	const h = 3600
	share, span := 10, int64(10*h) // one transition in ten, and the hours after it
	if *long {
		share, span = 1, 26*h
	}
	r := newRand(t)
	var zones, seen, cases int
	for _, zone := range zoneNames(t) {
		loc := load(t, zone)
		var daily, frequent, seconds []entry
		for _, at := range transitions(loc, 1970, 2037) {
			if r.IntN(share) != 0 {
				continue
			}
			if daily == nil {
				zones++
				for _, expr := range aroundTransitions {
					daily = append(daily, newEntry(t, expr, loc))
				}
				for _, expr := range often {
					frequent = append(frequent, newEntry(t, expr, loc))
				}
				for _, expr := range secondsAroundTransitions {
					seconds = append(seconds, newEntry(t, expr, loc))
				}
			}
			seen++
			check := func(entries []entry, unit, from, until int64) {
				clock := newModelClock(loc, from, until, unit)
				for _, e := range entries {
					cases++
					if diff := e.differ(clock, from, until); diff != "" {
						t.Errorf("%s, clock moved at %v: %s", zone, time.Unix(at, 0).In(loc), diff)
					}
				}
			}
			entries := slices.Clone(daily)
			for _, expr := range near(at, loc) {
				entries = append(entries, newEntry(t, expr, loc))
			}
			check(entries, 60, at-4*h, at+span)
			check(frequent, 60, at-4*h, at+7*h)
			if *long || r.IntN(20) == 0 {
				check(seconds, 1, at-2*h, at+5*h)
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	t.Logf("%d zones, %d transitions, %d cases, all equal", zones, seen, cases)
	if seen == 0 || cases < 40*seen {
		t.Errorf("%d cases at %d transitions are too few", cases, seen)
	}
}

// TestDebianAtNewYear uses zones that no government has yet had: they change
// their clocks around the turn of the year, where ZoneBounds reports a bound
// though nothing changes, and on 31 December of leap years a wrong one
// (golang/go 81583).
func TestDebianAtNewYear(t *testing.T) {
	const h = 3600
	for _, rule := range []string{
		"STD0DST-2,J100/2,J365/25",           // back by two hours until 01:00 UTC on 1 January
		"STD0DST-2,J365/23,J100/2",           // forward by two hours at 23:00
		"STD5DST,J60/2,J365/19:30",           // back by one at 19:30, which is 23:30 UTC
		"<+10>-10<+1030>-10:30,J1/9:45,J182", // forward by half an hour at 23:45 UTC
	} {
		loc, err := time.LoadLocationFromTZData(rule, tzif(rule))
		if err != nil {
			t.Fatal(rule, err)
		}
		moved := 0
		for _, year := range []int{2027, 2028, 2031, 2032} {
			at := time.Date(year, 12, 31, 22, 0, 0, 0, time.UTC).Unix()
			if transitionsWithin(loc, at, at+4*h) {
				moved++
			}
			clock := newModelClock(loc, at-40*h, at+30*h, 60)
			for _, expr := range append(aroundTransitions, often...) {
				if diff := newEntry(t, expr, loc).differ(clock, at-40*h, at+30*h); diff != "" {
					t.Errorf("%s, %d: %s", rule, year, diff)
				}
			}
		}
		if moved != 4 {
			t.Errorf("%s: the clock is moved in %d of 4 years", rule, moved)
		}
	}
}

// tzif is a tz database file that says nothing but a rule (RFC 8536).
func tzif(rule string) []byte {
	header := "TZif2" + strings.Repeat("\x00", 15+4*4) + "\x00\x00\x00\x01" + "\x00\x00\x00\x04"
	block := "\x00\x00\x00\x00\x00\x00" + "STD\x00" // one type: UTC, no daylight saving, the first name
	return []byte(header + block + header + block + "\n" + rule + "\n")
}

func TestDebianAtRandom(t *testing.T) {
	cases := 10_000
	if *long {
		cases = 1_010_000
	}
	r := newRand(t)
	zones := zoneNames(t)
	moved := map[string][]int64{}
	const perClock = 8
	slots := 0
	for range cases / perClock {
		zone := zones[r.IntN(len(zones))]
		loc := load(t, zone)
		// Anywhere from 1970 to 2199, and every other time near a change.
		from := r.Int64N(time.Date(2199, 12, 30, 0, 0, 0, 0, time.UTC).Unix())
		if r.IntN(2) == 0 {
			if _, ok := moved[zone]; !ok {
				first := 1970 + r.IntN(220)
				moved[zone] = transitions(loc, first, first+5)
			}
			if at := moved[zone]; len(at) > 0 {
				from = at[r.IntN(len(at))] - r.Int64N(26*3600)
			}
		}
		unit, until := int64(60), from+40*3600
		if r.IntN(8) == 0 {
			unit, until = 1, from+3600
		}
		if nearby := transitionsWithin(loc, from-3*3600, from); nearby {
			continue // the model does not know what its clock did before it was started
		}
		clock := newModelClock(loc, from, until, unit)
		for range perClock {
			expr := randomExpr(r, unit == 1)
			s, err := schedule.Parse(expr, schedule.Options{Location: loc, Seed: "job"})
			if err != nil {
				if strings.Contains(err.Error(), "never fires") {
					continue
				}
				t.Fatalf("%q: %v", expr, err)
			}
			e := entry{newModelJob(t, expr, "job"), s}
			if e.model.unit != unit {
				continue
			}
			slots++
			if diff := e.differ(clock, from, until); diff != "" {
				t.Fatalf("%s, from %v: %s", zone, time.Unix(from, 0).In(loc), diff)
			}
		}
	}
	t.Logf("%d cases, all equal", slots)
	if slots < cases*3/4 {
		t.Errorf("only %d of %d cases were run", slots, cases)
	}
}

func transitionsWithin(loc *time.Location, from, until int64) bool {
	for t := from; t <= until; t += 900 {
		if offsetAt(t, loc) != offsetAt(until, loc) {
			return true
		}
	}
	return false
}

// randomExpr makes an expression of the whole grammar, more often one that fires
// within days than one that does not.
func randomExpr(r *rand.Rand, seconds bool) string {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	num := func(lo, hi int) int { return lo + r.IntN(hi-lo+1) }
	plain := func(lo, hi int) string {
		switch r.IntN(9) {
		case 0, 1:
			return "*"
		case 2:
			return fmt.Sprintf("*/%d", num(1, hi-lo+1))
		case 3:
			return fmt.Sprintf("%d-%d", num(lo, hi), num(lo, hi))
		case 4:
			return fmt.Sprintf("%d-%d/%d", num(lo, hi), num(lo, hi), num(1, 5))
		case 5:
			return fmt.Sprintf("%d/%d", num(lo, hi), num(1, hi-lo+1))
		case 6:
			return pick("H", "H/7", fmt.Sprintf("H(%d-%d)", lo, num(lo, hi)))
		}
		return fmt.Sprint(num(lo, hi))
	}
	items := func(lo, hi int) string {
		s := plain(lo, hi)
		for r.IntN(4) == 0 {
			s += "," + plain(lo, hi)
		}
		return s
	}
	dom, month, dow := "*", "*", "*"
	if r.IntN(3) == 0 {
		dom = pick(items(1, 31), items(1, 31), "?", "L", "L-3", "LW", "W", "15W", "1W", fmt.Sprintf("%dW,L-%d", num(1, 31), num(0, 30)), "L-1W")
	}
	if r.IntN(4) == 0 {
		month = pick(items(1, 12), "JAN-jun", "Oct-Mar", "JUL/2", "H")
	}
	if r.IntN(3) == 0 {
		dow = pick(items(0, 6), "?", "MON-FRI", "FRI-MON", "5-7", "7", "0-7", "1-7/3", "SUN", "5L", "0L", "1#1,3#3", fmt.Sprintf("%d#%d", num(0, 7), num(1, 5)), "H")
	}
	expr := fmt.Sprintf("%s %s %s %s %s", items(0, 59), pick("*", items(0, 23), items(0, 23), fmt.Sprint(num(0, 4))), dom, month, dow)
	if seconds {
		return items(0, 59) + " " + expr
	}
	return expr
}
