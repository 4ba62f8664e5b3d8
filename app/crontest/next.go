package crontest

import (
	"slices"
	"testing"
	"time"
)

// Next returns the first n slots of a registered job after from, in the job's zone, or fewer if there are no more.
func Next(t testing.TB, job string, from time.Time, n int, options ...Option) []time.Time {
	t.Helper()
	_, j := arrange(t, job, options, nil)
	slots := make([]time.Time, 0, n)
	for slot, ok := j.Next(from); ok && len(slots) < n; slot, ok = j.Next(slot) {
		slots = append(slots, slot.In(j.Zone))
	}
	return slots
}

// AssertNext fails the test unless the first slots of a registered job after from equal want. All instants are in RFC
// 3339, such as 2027-03-28T03:00:00+02:00.
func AssertNext(t testing.TB, job, from string, want []string, options ...Option) {
	t.Helper()
	wanted := make([]time.Time, len(want))
	for i, text := range want {
		wanted[i] = parse(t, text)
	}
	got := Next(t, job, parse(t, from), len(want), options...)
	if !slices.EqualFunc(got, wanted, time.Time.Equal) {
		texts := make([]string, len(got))
		for i, slot := range got {
			texts[i] = slot.Format(time.RFC3339)
		}
		t.Errorf("job %q after %s is due\n\tat   %q\n\twant %q", job, from, texts, want)
	}
}

func parse(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatalf("crontest: %v", err)
	}
	return at
}
