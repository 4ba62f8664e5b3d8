package cron

import "context"

// scope is the part of a run's context that says which run it is. It lives in the run.
type scope struct {
	context.Context
	run *Run
}

func (c *scope) Value(key any) any {
	if key == (runKey{}) {
		return c.run
	}
	return c.Context.Value(key)
}
