package store_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/store"
)

func TestCommitsAreMeasured(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var told []store.Commit // by the writer alone
		s, err := store.Open(t.Context(), store.Options{URL: "sqlite://" + file(t), Committed: func(c store.Commit) { told = append(told, c) }})
		if err != nil {
			t.Fatal(err)
		}
		release, _ := gate(s)
		claim := func(job string, slot int) error {
			_, err := s.Claim(t.Context(), []contract.Claim{claimOf(job, slot)})
			return err
		}
		for i := range 10 {
			go func() {
				if err := claim(fmt.Sprint("job-", i), 1); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait() // the first is held at the gate, the others wait behind it
		}
		if n := s.Queued(); n != 9 {
			t.Errorf("%d wait", n)
		}
		release()
		synctest.Wait()
		broken := errors.New("the disk is full")
		s.Tamper(func(string, []string) error { return broken })
		if err := claim("job-1", 2); !errors.Is(err, broken) {
			t.Errorf("the claim answered %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if len(told) != 3 || told[0].Calls != 1 || told[1].Calls != 9 || told[2].Calls != 1 {
			t.Fatalf("told of %+v", told)
		}
		if told[0].Err != nil || told[1].Err != nil || !errors.Is(told[2].Err, broken) {
			t.Errorf("told of %+v", told)
		}
		if s.Queued() != 0 {
			t.Errorf("%d wait", s.Queued())
		}
	})
}
