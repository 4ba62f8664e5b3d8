package jobs_test

import (
	"testing"

	"fibercrons/app/crontest"
	_ "fibercrons/jobs"
)

// Every job of this package is in cron.Default; the test runs one of them once, as the server would.
func TestHello(t *testing.T) {
	got := crontest.Run(t, "hello")
	if got.Err != nil {
		t.Fatal(got.Err)
	}
	if len(got.Logs) != 1 || got.Logs[0].Message != "hello" {
		t.Errorf("hello logged %+v", got.Logs)
	}
}
