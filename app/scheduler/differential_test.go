package scheduler_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

// A stored schedule does what the same schedule in code does, slot by slot: with every policy, under overload, after
// pauses of the process, and across a change of daylight saving.
func TestStoredSchedulesDoWhatCodeDoes(t *testing.T) {
	exprs := []string{
		"* * * * *", "@every 47s", "@every 53s", "@every 90s", "30 * * * * *", "*/20 * * * *", "0 2 * * *", "30 2 * * *", "0 */3 * * *", "15,45 1-4 * * *",
	}
	zones := []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
	for seed := range uint64(6) { // at most a thousand slots each, which is what the store keeps
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				// A Sunday on which clocks change, by the seed, between one and three hours from now in some zone.
				change := []time.Time{
					time.Date(2026, 3, 29, 0, 30, 0, 0, time.UTC), time.Date(2026, 10, 25, 0, 10, 0, 0, time.UTC), time.Date(2026, 3, 8, 6, 20, 0, 0, time.UTC),
					time.Date(2026, 11, 1, 5, 0, 0, 0, time.UTC), time.Date(2026, 4, 4, 14, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 14, 45, 0, 0, time.UTC),
				}[seed]
				time.Sleep(time.Until(change))
				chance := rand.New(rand.NewPCG(seed, 1))
				type pair struct{ expr, zone string }
				var pairs []pair
				name := func(kind string, i int) string { return fmt.Sprintf("%s-%d", kind, i) }
				store := crontest.NewMemory()
				options := map[int][]cron.Option{}
				length := map[int]time.Duration{}
				for i := range 30 {
					pairs = append(pairs, pair{exprs[chance.IntN(len(exprs))], zones[chance.IntN(len(zones))]})
					length[i] = time.Duration(chance.IntN(40))*time.Second + 517*time.Millisecond // ends at no slot
					options[i] = []cron.Option{
						cron.CatchUp([]cron.CatchUpPolicy{cron.Latest, cron.All, cron.None}[chance.IntN(3)], cron.Within(time.Duration(1+chance.IntN(60))*time.Minute), cron.AtMost(1+chance.IntN(5))),
						cron.Overlap([]cron.OverlapPolicy{cron.Skip, cron.Allow, cron.Queue}[chance.IntN(3)]),
						cron.In(pairs[i].zone),
					}
					if chance.IntN(3) == 0 {
						options[i] = append(options[i], cron.StartWithin(time.Duration(1+chance.IntN(30))*time.Second))
					}
				}
				register := func(r *cron.Registry) {
					for i, p := range pairs {
						r.Register(name("code", i), p.expr, bubble.Sleepy(length[i]), options[i]...)
						r.Register(name("data", i), cron.OnDemand, bubble.Sleepy(length[i]), options[i]...)
					}
				}
				p := bubble.Start(t, store, register)
				for i, of := range pairs {
					put(t, p, cron.Schedule{ID: name("stored", i), Job: name("data", i), Expr: of.expr})
				}
				for range 3 {
					time.Sleep(time.Duration(chance.IntN(90))*time.Minute + 250*time.Millisecond)
					p.Stop()
					time.Sleep(time.Duration(chance.IntN(100)) * time.Minute)
					p = bubble.Start(t, store, register)
				}
				time.Sleep(time.Hour)
				told := func(recs []cron.Record) (lines []string) {
					for _, rec := range recs {
						slot := "none"
						if rec.Slot != nil {
							slot = rec.Slot.Format(time.RFC3339)
						}
						lines = append(lines, fmt.Sprintf("%s %s %s %s %s", slot, rec.Status, rec.Reason, rec.Trigger, rec.Error))
					}
					slices.Sort(lines)
					return lines
				}
				slots := 0
				for i, of := range pairs {
					code, data := told(p.Runs(name("code", i))), told(p.Runs(name("data", i)))
					slots += len(code)
					for k := range max(len(code), len(data)) {
						var a, b string
						if k < len(code) {
							a = code[k]
						}
						if k < len(data) {
							b = data[k]
						}
						if a != b {
							t.Errorf("%s in %s: the code's %q, the stored one's %q (%d and %d rows)", of.expr, of.zone, a, b, len(code), len(data))
							break
						}
					}
				}
				if slots < 1000 {
					t.Errorf("only %d slots: the test shows little", slots)
				}
				p.Stop()
			})
		})
	}
}
