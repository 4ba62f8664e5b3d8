package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/plan"
	"fibercrons/app/scheduler"
)

// ill is a store that can fail in several ways.
type ill struct {
	contract.Store
	sync, ping, claim error
	override          plan.Override
}

func (i *ill) Sync(ctx context.Context, p contract.Program) (contract.Synced, error) {
	if i.sync != nil {
		return contract.Synced{}, i.sync
	}
	synced, err := i.Store.Sync(ctx, p)
	for k := range synced.States {
		if st := &synced.States[k]; i.override.Job == st.Name {
			st.Override = i.override
		}
	}
	return synced, err
}

func (i *ill) Ping(ctx context.Context) error { return errors.Join(i.ping, i.Store.Ping(ctx)) }

func (i *ill) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	if i.claim != nil {
		return nil, i.claim
	}
	return i.Store.Claim(ctx, claims)
}

func TestReadySaysWhyNot(t *testing.T) {
	secret := errors.New("dial postgres://user:password@db: refused")
	for _, test := range []struct {
		name   string
		store  ill
		change func(*scheduler.Config)
		during func(*testing.T, *bubble.Program) // 3 s after the start
		part   scheduler.Part
		detail string
		behind error
	}{
		{name: "all is well"},
		{name: "the clock is off", change: func(c *scheduler.Config) { c.Disabled = true }},
		{name: "never synced", store: ill{sync: secret}, part: scheduler.PartStore, detail: "the store does not answer", behind: secret},
		{name: "no answer", store: ill{ping: secret}, part: scheduler.PartStore, detail: "the store does not answer", behind: secret},
		{name: "no claims", store: ill{claim: secret}, part: scheduler.PartStore, detail: "slots cannot be claimed", behind: secret},
		{name: "an override of another version", store: ill{override: plan.Override{Job: "second", Expr: "every full moon", At: time.Unix(1, 0)}},
			part: scheduler.PartSchedules, detail: "jobs that do not follow their schedules: 1"},
		{name: "an override put right", store: ill{override: plan.Override{Job: "second", Expr: "every full moon", At: time.Unix(1, 0)}},
			during: func(t *testing.T, p *bubble.Program) {
				if _, err := p.Sched.Reschedule(t.Context(), "second", "* * * * *", "", "test"); err != nil {
					t.Error(err)
				}
			}},
		{name: "stopping", during: func(_ *testing.T, p *bubble.Program) { p.Cancel(); synctest.Wait() }, part: scheduler.PartScheduler, detail: "the scheduler is stopping"},
	} {
		t.Run(test.name, func(t *testing.T) {
			crontest.Bubble(t, func(t *testing.T) {
				store := test.store
				store.Store = crontest.NewMemory()
				p := bubble.Start(t, &store, func(r *cron.Registry) { r.Register("second", "* * * * * *", bubble.Nothing) }, func(c *scheduler.Config) {
					if test.change != nil {
						test.change(c)
					}
				})
				time.Sleep(3 * time.Second)
				if test.during != nil {
					test.during(t, p)
				}
				err := p.Sched.Ready(t.Context())
				if test.part == "" {
					if err != nil {
						t.Errorf("not ready: %v", err)
					}
					p.Stop()
					return
				}
				var why *scheduler.NotReadyError
				if !errors.As(err, &why) || why.Part != test.part || why.Detail != test.detail {
					t.Fatalf("it says %#v, %v", why, err)
				}
				if test.behind != nil && !errors.Is(err, test.behind) || strings.Contains(why.Detail, "password") {
					t.Errorf("it says %v", err)
				}
				p.Stop()
			})
		})
	}
}

// A stalled settleLoop is noticed, and also that it continues.
func TestReadyNoticesAStall(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := bubble.Start(t, crontest.NewMemory(), func(r *cron.Registry) { r.Register("second", "* * * * * *", bubble.Nothing) })
		time.Sleep(time.Minute)
		p.Sched.SettledAt(time.Now().Add(-9 * time.Second))
		if err := p.Sched.Ready(t.Context()); err != nil {
			t.Errorf("too early: %v", err)
		}
		p.Sched.SettledAt(time.Now().Add(-12 * time.Second))
		var why *scheduler.NotReadyError
		if err := p.Sched.Ready(t.Context()); !errors.As(err, &why) || why.Part != scheduler.PartScheduler || why.Detail != "the scheduler has stalled: no tick for 12s" {
			t.Errorf("it says %v", err)
		}
		time.Sleep(2 * time.Second)
		if err := p.Sched.Ready(t.Context()); err != nil {
			t.Errorf("it goes on: %v", err)
		}
		p.Stop()
	})
}

// overlapping fails one claim and delays the answer to an older one until after that.
type overlapping struct {
	contract.Store
	calls  atomic.Int64
	failed chan struct{}
}

func (o *overlapping) Claim(ctx context.Context, claims []contract.Claim) ([]contract.Claimed, error) {
	switch o.calls.Add(1) {
	case 1:
		got, err := o.Store.Claim(ctx, claims)
		<-o.failed
		time.Sleep(100 * time.Millisecond)
		return got, err
	case 2:
		defer close(o.failed)
	}
	return nil, errors.New("the disk is full")
}

// A claim made before the store failed, and answered later, does not show that the store works again.
func TestClaimsUnderWayProveNothing(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var log strings.Builder // slog writes one record at a time
		p := bubble.Start(t, &overlapping{Store: crontest.NewMemory(), failed: make(chan struct{})}, func(r *cron.Registry) {
			r.Register("first", "0 * * * * *", bubble.Nothing)
			r.Register("second", "1-59 * * * * *", bubble.Nothing)
		}, func(c *scheduler.Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if n, again := strings.Count(log.String(), "claim failed"), strings.Count(log.String(), "works again"); n != 1 || again != 0 {
			t.Errorf("it was said %d times that claiming does not work, and %d times that it works again", n, again)
		}
		p.Stop()
	})
}
