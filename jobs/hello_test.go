package jobs_test

import (
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	_ "fibercrons/jobs"
)

// Every job of this package is in cron.Default; the test runs one of them as the server would, with
// a store that forgets.
func TestHello(t *testing.T) {
	jobs, err := cron.Default.Jobs(cron.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	crons := cron.New(cron.Config{Store: crontest.NewMemory(), Jobs: jobs})
	run, err := crons.Trigger(t.Context(), "hello", cron.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if run, err = crons.Await(t.Context(), run.ID); err != nil || run.Status != cron.Succeeded {
		t.Errorf("hello %s: %s (%v)", run.Status, run.Error, err)
	}
	if err := crons.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
