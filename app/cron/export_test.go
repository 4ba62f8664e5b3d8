package cron

import "github.com/reugn/go-quartz/quartz"

// NewTickQueue is for tests: nothing outside of the package sees the queue itself.
func NewTickQueue() quartz.JobQueue { return newTickQueue() }
