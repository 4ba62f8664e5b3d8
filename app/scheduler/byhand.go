package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/retry"
	"fibercrons/app/runner"
)

// byHand returns the claim of a manual run.
func (c *claimer) byHand(e *entry, trigger cron.Trigger, args json.RawMessage, actor string) contract.Claim {
	p := &e.job.Policies
	now := millis.Now()
	return contract.Claim{
		Fence: c.newFence(now), Job: e.job.Name, Trigger: trigger, Status: cron.Queued, Args: args, Actor: actor,
		Overlap: p.Overlap, QueueCap: p.CatchUpCap, Group: p.Group, Instance: c.instance.ID, Lease: c.cfg.Lease,
		At: now,
	}
}

// launch claims and begins a manual run. It returns the record, or only the ID if an earlier run has the same key.
func (c *claimer) launch(ctx context.Context, claim contract.Claim) (rec cron.Record, err error) {
	if !c.enter() {
		return rec, &contract.RefusedError{Job: claim.Job, Reason: cron.ReasonShutdown}
	}
	defer c.leave()
	c.keepLeases()
	lane := c.laneOf(claim.Job, claim.Schedule)
	win := runner.Win{Replace: claim.Overlap == cron.Replace}
	if !lane.Serial && claim.Overlap != cron.Queue && claim.Group == "" && c.runner.Reserve(1) == 1 {
		win.Worker, claim.Status = true, cron.Running
	}
	if c.cfg.Asked != nil {
		c.cfg.Asked(ctx, claim.ID)
	}
	got, err := c.claimOne(ctx, claim)
	if err == nil && got.GoesOn() {
		win.Run = new(runner.Run)
		c.runner.Init(win.Run, lane, &claim, &got)
		rec = win.Run.Record()
		if rec.Status == cron.Running {
			rec.StartedAt = &claim.At
		}
		c.runner.Accept([]runner.Win{win}, 0, false)
		return rec, nil
	}
	if win.Worker {
		c.runner.Release(1)
	}
	switch {
	case err != nil:
		return rec, fmt.Errorf("run job %q: %w", claim.Job, err)
	case got.Refused != "":
		return rec, &contract.RefusedError{Job: claim.Job, Reason: got.Refused}
	case got.Won:
		c.skipped(lane, claimRecord(&claim, &got))
	}
	return cron.Record{ID: got.ID}, nil
}

// deferred records a manual run that begins when claim.NotBefore has come. It returns its ID, or that of an earlier run
// with the same key.
func (c *claimer) deferred(ctx context.Context, claim contract.Claim) (id string, err error) {
	if !c.enter() {
		return "", &contract.RefusedError{Job: claim.Job, Reason: cron.ReasonShutdown}
	}
	defer c.leave()
	got, err := c.claimOne(ctx, claim)
	if err != nil {
		return "", fmt.Errorf("enqueue job %q: %w", claim.Job, err)
	}
	return got.ID, nil
}

// claimOne retries until the store answers, because a claim that may have succeeded needs its run. If ctx has ended
// before the first call, it makes none.
func (c *claimer) claimOne(ctx context.Context, claim contract.Claim) (contract.Claimed, error) {
	if err := ctx.Err(); err != nil {
		return contract.Claimed{}, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.Lease/2)
	defer cancel()
	var got []contract.Claimed
	err := retry.Until(ctx, func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, func() (err error) {
		got, err = measured(ctx, c.cfg, []contract.Claim{claim})
		return err
	})
	if err != nil {
		return contract.Claimed{}, err
	}
	return got[0], nil
}
