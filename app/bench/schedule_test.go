package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/adhocore/gronx"
	"github.com/hashicorp/cronexpr"
	"github.com/reugn/go-quartz/quartz"
	"github.com/robfig/cron/v3"

	"fibercrons/app/schedule"
)

// next is a parsed expression of any library.
type next func(time.Time) time.Time

// library parses an expression for a zone; quartz is the same one in the dialect
// of Quartz.
type library struct {
	name  string
	parse func(expr, quartz string, loc *time.Location) (next, error)
}

var libraries = []library{
	{"fibercrons", func(expr, _ string, loc *time.Location) (next, error) {
		s, err := schedule.Parse(expr, schedule.Options{Location: loc})
		return func(t time.Time) time.Time {
			t, _ = s.Next(t)
			return t
		}, err
	}},
	{"go-quartz", func(_, expr string, loc *time.Location) (next, error) {
		trigger, err := quartz.NewCronTriggerWithLoc(expr, loc)
		return func(t time.Time) time.Time {
			n, _ := trigger.NextFireTime(t.UnixNano())
			return time.Unix(0, n)
		}, err
	}},
	{"robfig", func(expr, _ string, loc *time.Location) (next, error) {
		s, err := cron.ParseStandard("TZ=" + loc.String() + " " + expr)
		if err != nil {
			return nil, err
		}
		return s.Next, nil
	}},
	{"gronx", func(expr, _ string, loc *time.Location) (next, error) {
		// It keeps no parsed form: every call parses anew.
		if !gronx.IsValid(expr) {
			return nil, errors.New("gronx: invalid expression")
		}
		return func(t time.Time) time.Time {
			t, _ = gronx.NextTickAfter(expr, t.In(loc), false)
			return t
		}, nil
	}},
	{"cronexpr", func(expr, _ string, loc *time.Location) (next, error) {
		e, err := cronexpr.Parse(expr)
		return func(t time.Time) time.Time { return e.Next(t.In(loc)) }, err
	}},
}

var expressions = []struct{ expr, quartz string }{
	{"* * * * *", "0 * * * * ?"},
	{"*/5 * * * *", "0 */5 * * * ?"},
	{"0 * * * *", "0 0 * * * ?"},
	{"30 4 * * *", "0 30 4 * * ?"},
	{"0 9 * * 1-5", "0 0 9 ? * 2-6"},
	{"0,30 9-17 * * 1-5", "0 0,30 9-17 ? * 2-6"},
	{"0 0 1 * *", "0 0 0 1 * ?"},
	{"0 0 1 1 *", "0 0 0 1 1 ?"},
	{"0 0 29 2 *", "0 0 0 29 2 ?"},
}

// start is the Monday of an ordinary week.
var start = time.Date(2026, 5, 4, 10, 3, 17, 0, time.UTC)

// BenchmarkNext asks for one slot after the other, from the same Monday again
// after every ten, so that each library meets the same near future.
// (go-quartz takes 29 February as 1 March in other years: its row is not the
// same work. See TestPeersAgree.)
func BenchmarkNext(b *testing.B) {
	for _, zone := range []string{"UTC", "America/New_York"} {
		loc, err := schedule.LoadLocation(zone)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range expressions {
			for _, lib := range libraries {
				b.Run(zone+"/"+strings.ReplaceAll(e.expr, "/", "|")+"/"+lib.name, func(b *testing.B) {
					next, err := lib.parse(e.expr, e.quartz, loc)
					if err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					t := start.In(loc)
					for i := 0; b.Loop(); i++ {
						if i%10 == 0 {
							t = start.In(loc)
						}
						t = next(t)
					}
				})
			}
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, e := range append(expressions, struct{ expr, quartz string }{"0,15,30,45 9-17/2 1,15 1-6 *", "0 0,15,30,45 9-17/2 1,15 1-6 ?"}) {
		for _, lib := range libraries {
			b.Run(strings.ReplaceAll(e.expr, "/", "|")+"/"+lib.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := lib.parse(e.expr, e.quartz, time.UTC); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// TestPeersAgree makes sure that the benchmark compares equal work, and is a
// second oracle: gronx is right in UTC, and robfig/cron where no clock is moved.
func TestPeersAgree(t *testing.T) {
	for _, e := range expressions {
		var want []time.Time
		for _, lib := range libraries {
			if lib.name == "go-quartz" && strings.Contains(e.expr, "29 2") {
				continue // fires on 1 March
			}
			next, err := lib.parse(e.expr, e.quartz, time.UTC)
			if err != nil {
				t.Fatal(lib.name, err)
			}
			at := start
			for i := range 15 {
				at = next(at)
				if lib.name == "fibercrons" {
					want = append(want, at)
				} else if !at.Equal(want[i]) {
					t.Errorf("%q: %s fires at %v, fibercrons at %v", e.expr, lib.name, at.UTC(), want[i])
					break
				}
			}
		}
	}
}
