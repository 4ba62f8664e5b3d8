package cron_test

import (
	"errors"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

func TestErrorTexts(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&cron.NoJobError{Name: "a"}, `no job "a"`},
		{&cron.NoJobError{Name: "a", Nearest: "b"}, `no job "a"; did you mean "b"?`},
		{&contract.RefusedError{Job: "a", Reason: cron.ReasonPaused}, `job "a" is paused; resume it, or force the run`},
		{&contract.RefusedError{Job: "a", Reason: cron.ReasonOverlap}, `job "a" is running and does not overlap; wait for it, or force the run`},
		{&contract.RefusedError{Job: "a", Reason: cron.ReasonQueueFull}, `job "a" has too many runs waiting`},
		{&contract.RefusedError{Job: "a", Reason: cron.ReasonShutdown}, `job "a" cannot be run: the scheduler is stopping`},
		{&contract.RefusedError{Job: "a", Reason: "moon"}, `job "a" was refused: moon`},
		{&cron.ArgsError{Job: "a", Fields: []cron.FieldError{{Detail: "x"}}}, `arguments of job "a": x`},
		{&cron.ArgsError{Job: "a", Fields: []cron.FieldError{{Field: "/b", Detail: "x"}, {Field: "/c", Detail: "y"}}}, `arguments of job "a": /b: x; /c: y`},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.err, got, tt.want)
		}
	}
	if !errors.Is(&cron.NoJobError{}, cron.ErrNotFound) || errors.Is(&cron.NoJobError{}, contract.ErrFenced) {
		t.Error("a job that is not there is not found, and nothing else")
	}
}
