package scheduler

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"fibercrons/app/clock"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/millis"
	"fibercrons/app/plan"
)

// sync registers the jobs in the store and reads their states. It retries until the store answers; false: ctx ended
// first.
func (c *claimer) sync(ctx context.Context) bool {
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 5*time.Second) {
		err := c.syncOnce(ctx)
		if err == nil {
			return true
		}
		c.mu.Lock()
		c.slots.syncError = err
		c.mu.Unlock()
		c.log.Error("the store does not answer; nothing is due until it does", "error", err)
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (c *claimer) syncOnce(ctx context.Context) error {
	now := millis.Now()
	synced, err := c.cfg.Store.Sync(ctx, c.program(now))
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.slots
	s.generation = synced.Generation
	var ahead []string
	for i, st := range synced.States {
		e := c.byName[c.cfg.Jobs[i].Name]
		if e.job.Disabled != "" {
			continue
		}
		if e.table, err = e.tableFor(st.Override); err != nil {
			c.log.Error("invalid schedule override; using the schedule from code", "job", st.Name, "expr", st.Override.Expr, "error", err)
		}
		e.adrift = err
		e.next = e.after(st.Watermark.UnixMilli())
		s.supersede(e, st.Superseded)
		if st.Watermark.After(now.Add(time.Minute)) {
			ahead = append(ahead, st.Name)
		}
	}
	if len(ahead) > 0 {
		c.log.Warn("the clock is behind the watermark of these jobs; they will not run until it catches up; if the clock was wrong by more than two days before, restart the server", "jobs", ahead)
	}
	s.logSuperseded()
	s.syncError = nil
	s.ticking, s.startedMS = !s.closed, now.UnixMilli()
	return nil
}

// During a rollout, old and new versions run together. Both run the jobs that they define alike. The others belong to
// the newest version: the store refuses an older one's claims. The older one then leaves those jobs alone and regularly
// checks whether it is the newest live version, as after a rollback.

// program returns this process's jobs for Sync.
func (c *claimer) program(now time.Time) contract.Program {
	p := contract.Program{Instance: c.instance, Lease: c.cfg.Lease, At: now}
	sum := sha256.New()
	for _, j := range c.cfg.Jobs {
		d := contract.Definition{Name: j.Name, Definition: definitionOf(j)}
		p.Definitions = append(p.Definitions, d)
		fmt.Fprintf(sum, "%q %q\n", d.Name, d.Definition)
	}
	p.Print = hex.EncodeToString(sum.Sum(nil)[:16])
	return p
}

// definitionOf returns the text whose change restarts the job's watermark.
func definitionOf(j *cron.Job) string {
	text := ""
	for _, s := range j.Schedules {
		text += s.Key() + "\n"
	}
	if j.Disabled != "" {
		text = "disabled\n" + text
	}
	return text
}

// followVersions checks whether superseded jobs belong to this version again.
func (c *claimer) followVersions() {
	c.mu.Lock()
	ask := c.slots.superseded > 0 && c.slots.ticking
	c.mu.Unlock()
	if !ask {
		return
	}
	synced, err := c.cfg.Store.Sync(c.calls, c.program(millis.Now()))
	if err != nil {
		return // the heartbeat reports it
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots.generation = synced.Generation
	var back []string
	for i, st := range synced.States {
		e := c.byName[c.cfg.Jobs[i].Name]
		if !e.superseded || st.Superseded || e.job.Disabled != "" {
			continue
		}
		c.slots.supersede(e, false)
		e.next = e.after(st.Watermark.UnixMilli())
		c.slots.expect(e)
		back = append(back, e.job.Name)
	}
	if len(back) > 0 {
		c.log.Info("no newer version of the program runs any longer; these jobs follow their schedules here again", "jobs", back)
	}
}

// follow applies overrides that are new to this process.
func (c *claimer) follow(overrides []plan.Override) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range overrides {
		e := c.byName[o.Job]
		if e == nil || e.table.Since.Equal(o.At) {
			continue
		}
		table, err := plan.Overridden(e.job, o)
		if err != nil {
			c.log.Error("invalid schedule override; using the schedule from code", "job", o.Job, "expr", o.Expr, "error", err)
		}
		e.table, e.adrift = table, err
		if !c.slots.ticking || c.clock == nil || e.job.Disabled != "" {
			continue
		}
		e.next = e.after(o.At.UnixMilli())
		c.slots.expect(e)
		if err := c.clock.Place(e, &e.placement, e.table.Schedules); err != nil {
			c.log.Error("a job cannot be moved to its new schedule", "job", o.Job, "error", err)
			e.adrift = err
		}
		c.log.Info("schedule changed", "job", o.Job, "schedule", strings.Join(table.Exprs, "; "), "by", o.Actor)
	}
}

// followOverrides reads the overrides set on other processes and reports whether the store answered. Until then claims
// by an older schedule are refused, because they would settle slots of the new one.
func (c *claimer) followOverrides() bool {
	overrides, err := c.cfg.Store.Overrides(c.calls)
	if err != nil {
		return false // the heartbeat reports it
	}
	c.follow(overrides)
	return true
}

// setClock is called before sync, so that no override which is new since then is missed.
func (c *claimer) setClock(to *clock.Clock[*entry]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clock = to
}

// place adds all jobs to the clock.
func (c *claimer) place() error {
	for _, e := range c.entries {
		c.mu.Lock()
		err := c.clock.Place(e, &e.placement, e.table.Schedules)
		c.mu.Unlock()
		if err != nil {
			return fmt.Errorf("place job %q on the clock: %w", e.job.Name, err)
		}
	}
	return nil
}

// stop ends claiming.
func (c *claimer) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots.ticking, c.slots.closed = false, true
}

// enter begins a manual claim, which is one of tasks; false: claiming has ended.
func (c *claimer) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots.closed {
		return false
	}
	c.claiming.Add(1)
	c.tasks.Add(1)
	return true
}

// leave ends a manual claim.
func (c *claimer) leave() {
	c.claiming.Add(-1)
	c.tasks.Done()
}

// trouble returns why nothing can be claimed: Sync or the last claim failed.
func (c *claimer) trouble() (syncError, claimError error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.slots.syncError, c.slots.claimError
}

// adrift returns the jobs that are not on their schedule.
func (c *claimer) adrift() (errs []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.entries {
		if e.adrift != nil {
			errs = append(errs, fmt.Errorf("job %q: %w", e.job.Name, e.adrift))
		}
	}
	return errs
}

// between returns the slots of a job from from to to.
func (c *claimer) between(e *entry, from, to time.Time) ([]time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.between(from, to)
}

func (c *claimer) superseded(e *entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return e.superseded
}

// standing is a job's position in its schedule.
type standing struct {
	next  int64 // plan.Never: none, or it does not tick
	due   bool
	table *plan.Table
}

// standings returns the positions of all configured jobs at now.
func (c *claimer) standings(now int64) []standing {
	all := make([]standing, len(c.cfg.Jobs))
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, j := range c.cfg.Jobs {
		all[i].next = plan.Never
		if e := c.byName[j.Name]; c.slots.ticking && j.Disabled == "" {
			all[i] = standing{next: e.next, due: !e.busy && e.due(now), table: e.table}
		}
	}
	return all
}
