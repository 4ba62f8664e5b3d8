package store_test

import (
	"fmt"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/store"
)

// The stamp of one process changes with the commits of another, and stays while nobody commits.
func TestStampOfTwoProcesses(t *testing.T) {
	path := file(t)
	ours, theirs := open(t, path), open(t, path)
	stamp := func() int64 {
		t.Helper()
		n, err := ours.Stamp(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := stamp()
	if _, err := ours.States(t.Context()); err != nil {
		t.Fatal(err)
	}
	if again := stamp(); again != first {
		t.Errorf("stamps %d and %d without a commit between", first, again)
	}
	for name, s := range map[string]*store.Store{"this process": ours, "the other": theirs} {
		before := stamp()
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("job of "+name, 1)}); err != nil {
			t.Fatal(err)
		}
		if stamp() == before {
			t.Errorf("a commit of %s made no other stamp", name)
		}
	}
	before := stamp()
	if err := ours.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
		t.Fatal(err)
	}
	if stamp() == before {
		t.Error("a commit of the user's own made no other stamp")
	}
}

func BenchmarkStamp(b *testing.B) {
	s := open(b, file(b))
	for b.Loop() {
		if _, err := s.Stamp(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// What a look costs while 64 runs go on, among 1,000 jobs.
func BenchmarkGlance(b *testing.B) {
	s := open(b, file(b))
	for i := range 1000 {
		c := claimOf(fmt.Sprintf("job-%d", i), i+1)
		if i >= 64 {
			c.Status, c.Reason = cron.Skipped, cron.ReasonMissed
		}
		if _, err := s.Claim(b.Context(), []contract.Claim{c}); err != nil {
			b.Fatal(err)
		}
	}
	newest, err := s.Summarize(b.Context(), contract.Position{}, 2000)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Summarize(b.Context(), newest.Newest, 100); err != nil {
			b.Fatal(err)
		}
	}
}
