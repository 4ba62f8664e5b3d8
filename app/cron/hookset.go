package cron

import "context"

// Outcome is the end of a run, or a skipped slot, as a hook receives it.
type Outcome struct {
	Record       // as stored; for a skipped slot mainly Job, Slot and Reason
	Err    error // the last attempt's error, or nil if the run did not end by an error of the function
}

// Hooks are a user's functions around every run; see [Before], [After], [OnFailure] and [OnSkip]. Nil functions are
// ignored. In one Hooks value, OnFailure is called before After.
type Hooks struct {
	Before    func(ctx context.Context) error
	OnFailure func(ctx context.Context, o Outcome) error
	After     func(ctx context.Context, o Outcome) error
	OnSkip    func(ctx context.Context, o Outcome) error
}

func (h Hooks) empty() bool {
	return h.Before == nil && h.After == nil && h.OnFailure == nil && h.OnSkip == nil
}

// hookSet is a job's hooks by the time of their call.
type hookSet struct {
	before []Func
	after  []endHook // of ended runs, except failed ones
	failed []endHook
	skip   []endHook
}

type endHook struct {
	name string
	call func(context.Context, Outcome) error
}

// newHookSet returns nil if there is no hook.
func newHookSet(shared, own []Hooks) *hookSet {
	var set hookSet
	for _, list := range [][]Hooks{shared, own} {
		for _, h := range list {
			if h.Before != nil {
				set.before = append(set.before, h.Before)
			}
			if h.OnFailure != nil {
				set.failed = append(set.failed, endHook{"OnFailure", h.OnFailure})
			}
			if h.After != nil {
				set.failed = append(set.failed, endHook{"After", h.After})
				set.after = append(set.after, endHook{"After", h.After})
			}
			if h.OnSkip != nil {
				set.skip = append(set.skip, endHook{"OnSkip", h.OnSkip})
			}
		}
	}
	if set.before == nil && set.failed == nil && set.skip == nil {
		return nil
	}
	return &set
}
