package conformance

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// Store checks that a store follows [contract.Store]. Open is called once for each case and returns an empty store,
// which it closes by t.Cleanup.
func Store(t *testing.T, open func(t *testing.T) contract.Store) {
	for _, group := range []struct {
		name  string
		cases map[string]func(*suite)
	}{
		{"Sync", syncCases},
		{"Versions", versionCases},
		{"Claim", claimCases},
		{"Start", startCases},
		{"Finish", finishCases},
		{"Lease", leaseCases},
		{"Journal", journalCases},
		{"Admin", deskCases},
		{"Watch", watchCases},
		{"Schedules", scheduleCases},
		{"Listing", listingCases},
		{"Slots", slotCases},
		{"Deferred", deferredCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for name, run := range group.cases {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					run(&suite{T: t, Store: open(t), ctx: context.Background(), now: day(12)})
				})
			}
		})
	}
}

// suite is a case: a store with short helpers.
type suite struct {
	*testing.T
	contract.Store
	ctx context.Context
	now time.Time
}

const held = time.Hour // a lease longer than any test

// day returns an hour of the day on which the cases happen.
func day(hour float64) time.Time {
	return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hour * float64(time.Hour)))
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func fence() contract.Fence { return contract.Fence{ID: newID(), Token: rand.Int64()} }

// due returns a claim for a slot, to run at once.
func (s *suite) due(job string, slot time.Time) contract.Claim {
	return contract.Claim{
		Fence: fence(), Job: job, Slot: slot, Trigger: cron.BySchedule, Status: cron.Running,
		Overlap: cron.Skip, Instance: "a", Lease: held, At: s.now,
	}
}

// hand returns a manual claim, to run at once.
func (s *suite) hand(job string) contract.Claim {
	c := s.due(job, time.Time{})
	c.Trigger = cron.ByHand
	return c
}

func with(c contract.Claim, change func(*contract.Claim)) contract.Claim {
	change(&c)
	return c
}

func (s *suite) sync(jobs ...string) []contract.State {
	s.Helper()
	defs := make([]contract.Definition, len(jobs))
	for i, j := range jobs {
		defs[i] = contract.Definition{Name: j, Definition: "@hourly"}
	}
	return must(s.Sync(s.ctx, contract.Program{Definitions: defs, At: s.now}))(s).States
}

func (s *suite) claim(claims ...contract.Claim) []contract.Claimed {
	s.Helper()
	out := must(s.Claim(s.ctx, claims))(s)
	if len(out) != len(claims) {
		s.Fatalf("%d answers to %d claims", len(out), len(claims))
	}
	return out
}

// won makes a claim that must be won with this status and reason.
func (s *suite) won(c contract.Claim, status cron.Status, reason cron.Reason) contract.Claim {
	s.Helper()
	s.is(s.claim(c)[0], contract.Claimed{Won: true, ID: c.ID, Status: status, Reason: reason})
	return c
}

func (s *suite) is(got, want contract.Claimed) {
	s.Helper()
	if got != want {
		s.Errorf("claimed %+v, want %+v", got, want)
	}
}

func (s *suite) run(id string) cron.Record {
	s.Helper()
	return must(s.Store.Run(s.ctx, id))(s)
}

func (s *suite) status(id string, status cron.Status, reason cron.Reason) cron.Record {
	s.Helper()
	r := s.run(id)
	if r.Status != status || r.Reason != reason {
		s.Errorf("run is %s %q, want %s %q", r.Status, r.Reason, status, reason)
	}
	return r
}

func (s *suite) state(job string) contract.State {
	s.Helper()
	st, ok := must(s.States(s.ctx, job))(s)[job]
	if !ok {
		s.Fatalf("no state of %s", job)
	}
	return st
}

func (s *suite) start(c contract.Claim, change ...func(*contract.Start)) (contract.StartOutcome, error) {
	st := contract.Start{Fence: c.Fence, Job: c.Job, Schedule: c.Schedule, At: s.now, Lease: held}
	for _, f := range change {
		f(&st)
	}
	return s.Start(s.ctx, st)
}

func (s *suite) started(c contract.Claim, change ...func(*contract.Start)) {
	s.Helper()
	if out := must(s.start(c, change...))(s); out != (contract.StartOutcome{Started: true}) {
		s.Fatalf("start: %+v", out)
	}
}

func (s *suite) ended(c contract.Claim, status cron.Status) contract.Finish {
	return contract.Finish{
		Fence: c.Fence, Job: c.Job, Schedule: c.Schedule, Slot: c.Slot, Status: status, Started: s.now, At: s.now.Add(time.Second),
	}
}

func (s *suite) finish(c contract.Claim, status cron.Status) {
	s.Helper()
	s.ok(s.Finish(s.ctx, s.ended(c, status)))
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) fails(err, with error) {
	s.Helper()
	if !errors.Is(err, with) {
		s.Errorf("error %v, want %v", err, with)
	}
}

func (s *suite) equal(what string, got, want any) {
	s.Helper()
	if got != want {
		s.Errorf("%s is %v, want %v", what, got, want)
	}
}

func (s *suite) runs(q contract.Query) []string {
	s.Helper()
	recs := must(s.Runs(s.ctx, q))(s)
	ids := make([]string, len(recs))
	for i, r := range recs {
		ids[i] = r.ID
	}
	return ids
}

func must[V any](v V, err error) func(*suite) V {
	return func(s *suite) V {
		s.Helper()
		s.ok(err)
		return v
	}
}
