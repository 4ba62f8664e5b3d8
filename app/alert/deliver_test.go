package alert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

var failing = cron.AlertPolicy{Failed: 1, Recovered: true}

// A thousand jobs that fail together make one message, which lists the first and counts all.
func TestDigest(t *testing.T) {
	many := 1000
	if crontest.UnderRace { // it is ten times slower
		many = 200
	}
	crontest.Bubble(t, func(t *testing.T) {
		channel := &recorder{}
		jobs := jobsOf(t, failing, func(r *cron.Registry) {
			for i := range many {
				r.Register(fmt.Sprintf("job-%03d", i), "* * * * *", outcomes("f"))
			}
		})
		at := file(t)
		var all []*process
		for range 2 {
			all = append(all, begin(t, at, jobs, alert.Options{Channels: []alert.Channel{channel}}))
		}
		time.Sleep(5 * time.Minute)
		for _, p := range all {
			p.end()
		}
		got := channel.messages()
		if len(got) != 1 {
			t.Fatalf("%d messages, want 1", len(got))
		}
		m := got[0]
		if m.Total != many || m.Kinds[cron.AlertFailed] != many || len(m.Alerts) != 20 || m.More() != many-20 {
			t.Errorf("tells of %d alerts, %v, lists %d, leaves out %d", m.Total, m.Kinds, len(m.Alerts), m.More())
		}
		if m.Title != fmt.Sprintf("[test] %d alerts: %d failed", many, many) {
			t.Errorf("title %q", m.Title)
		}
		if text := m.Text(); !strings.Contains(text, fmt.Sprintf("and %d more", many-20)) || strings.Count(text, errJob.Error()) != 20 {
			t.Errorf("text:\n%s", text)
		}
	})
}

// The first alert goes out within seconds. Of many that come one after another there are no more
// messages in a minute than allowed, and none is lost.
func TestRateLimit(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		channel := &recorder{}
		began := time.Now()
		jobs := jobsOf(t, failing, func(r *cron.Registry) {
			for i := range 50 { // a new one fails every four seconds
				r.Register(fmt.Sprintf("job-%02d", i), "@at "+began.Add(time.Duration(10+4*i)*time.Second).Format(time.RFC3339), outcomes("f"))
			}
		})
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{channel}, PerMinute: 3})
		time.Sleep(16 * time.Second)
		if n := len(channel.messages()); n != 1 {
			t.Errorf("%d messages six seconds after the first failure", n)
		}
		time.Sleep(5 * time.Minute)
		all := p.all()
		p.end()
		total := 0
		for _, m := range channel.messages() {
			total += m.Total
		}
		if n := len(channel.messages()); total != 50 || len(all) != 50 || n > 14 || n < 5 {
			t.Errorf("%d alerts in %d messages, want 50 in about 12", total, n)
		}
	})
}

// What cannot be sent is tried again, ever more slowly, under the same ID, and across a restart.
func TestRetries(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		bad, good := &recorder{name: "bad", fails: 5}, &recorder{name: "good"}
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", "* * * * *", outcomes("f")) })
		at, o := file(t), alert.Options{Channels: []alert.Channel{bad, good}}
		p := begin(t, at, jobs, o)
		time.Sleep(75 * time.Second)
		list := p.all()
		if len(list) != 1 || list[0].Status != alert.Pending || len(list[0].Deliveries) != 2 ||
			list[0].Deliveries[0].Status != alert.Pending || list[0].Deliveries[0].Error != "not now" || list[0].Deliveries[0].NextAt == nil ||
			list[0].Deliveries[1].Status != alert.Sent {
			t.Errorf("alerts %+v", list)
		}
		p.end()
		time.Sleep(time.Minute)
		p = begin(t, at, jobs, o)
		time.Sleep(20 * time.Minute)
		list = p.all()
		p.end()
		if len(list) != 1 || list[0].Status != alert.Sent || list[0].Deliveries[0].Attempts != 6 {
			t.Errorf("alerts %+v", list)
		}
		if ids := bad.tried(); len(ids) != 6 || len(slices.Compact(ids)) != 1 || len(bad.messages()) != 1 || len(good.messages()) != 1 {
			t.Errorf("tries %q, messages %d and %d", ids, len(bad.messages()), len(good.messages()))
		}
	})
}

// What could not be sent for too long is given up, shown as failed and logged.
func TestGivesUp(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var log bytes.Buffer
		channel := &recorder{fails: -1, err: &alert.RefusedError{Err: errors.New("404"), Setup: true}}
		jobs := jobsOf(t, failing, func(r *cron.Registry) {
			r.Register("job", "@at 2000-01-01T00:01:00Z", outcomes("f"))
		})
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{channel}, Log: slog.New(slog.NewTextHandler(&log, nil)), GiveUp: 4 * time.Hour, Every: time.Minute})
		time.Sleep(6 * time.Hour)
		list := p.all()
		p.end()
		if len(list) != 1 || list[0].Status != alert.Failed || list[0].Deliveries[0].Status != alert.Failed {
			t.Errorf("alerts %+v", list)
		}
		// A refusal is tried again at first after a minute, then hourly.
		if n := len(channel.tried()); n < 7 || n > 12 {
			t.Errorf("%d tries", n)
		}
		if n := strings.Count(log.String(), "refuses messages"); n != 1 {
			t.Errorf("told %d times that the channel refuses", n)
		}
		if !strings.Contains(log.String(), "giving up") {
			t.Errorf("log: %s", log.String())
		}
	})
}

// A channel that hangs or panics holds up no other.
func TestChannelsDoNotHinderEachOther(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		good := &recorder{name: "good"}
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", "* * * * *", outcomes("fs")) })
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{hangs{}, panics{}, good}})
		time.Sleep(4 * time.Minute)
		p.end()
		if told := good.told(); !slices.Equal(told, []string{"failed job", "recovered job"}) {
			t.Errorf("told %q", told)
		}
	})
}

type hangs struct{}

func (hangs) Name() string { return "hangs" }
func (hangs) Send(ctx context.Context, _ alert.Message) error {
	<-ctx.Done()
	return ctx.Err()
}

type panics struct{}

func (panics) Name() string                              { return "panics" }
func (panics) Send(context.Context, alert.Message) error { panic("no such pager") }

// A channel that asks for patience gets it.
func TestRetryAfter(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		channel := &recorder{fails: 1, err: &alert.RefusedError{Err: errors.New("429"), After: 7 * time.Minute}}
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", "* * * * *", outcomes("f")) })
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{channel}})
		time.Sleep(7 * time.Minute)
		if n := len(channel.tried()); n != 1 {
			t.Errorf("%d tries within seven minutes", n)
		}
		time.Sleep(3 * time.Minute)
		p.end()
		if len(channel.messages()) != 1 {
			t.Error("it was not sent")
		}
	})
}

func TestSilence(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		channel := &recorder{}
		jobs := jobsOf(t, failing, func(r *cron.Registry) {
			r.Register("quiet", "* * * * *", outcomes("ffffffffffs"))
			r.Register("loud", "* * * * *", outcomes("fs"))
			r.Register("short", "* * * * *", outcomes("fs"))
		})
		p := begin(t, file(t), jobs, alert.Options{Channels: []alert.Channel{channel}})
		hand := p.alerts.By(contract.Caller{Actor: "ada", Origin: "test"})
		silence := func(job string, d time.Duration) alert.Silence {
			s, err := hand.Silence(t.Context(), job, time.Now().Add(d), "maintenance")
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		silence("quiet", 5*time.Minute+30*time.Second)
		short := silence("short", time.Hour)
		time.Sleep(5 * time.Minute)
		if told := channel.told(); !slices.Equal(told, []string{"failed loud", "recovered loud"}) {
			t.Errorf("told %q", told)
		}
		silenced := 0
		for _, a := range p.all() {
			if a.Status == alert.Silenced && a.Silence != "" && (a.Job == "quiet" || a.Job == "short" && a.Silence == short.ID) {
				silenced++
			}
		}
		if silenced != 3 { // a failure of each, and a recovery of short
			t.Errorf("%d alerts are silenced: %+v", silenced, p.all())
		}
		if _, err := hand.Unsilence(t.Context(), short.ID); err != nil {
			t.Error(err)
		}
		if _, err := hand.Unsilence(t.Context(), short.ID); !errors.Is(err, cron.ErrNotFound) {
			t.Errorf("ended twice: %v", err)
		}
		time.Sleep(8 * time.Minute)
		// It still failed when the silence was over.
		if told := channel.told(); !slices.Equal(told[2:], []string{"failed quiet", "recovered quiet"}) {
			t.Errorf("told %q", told)
		}
		list, err := p.alerts.Silences(t.Context(), true)
		if err != nil || len(list) != 2 || list[0].Job != "short" || list[0].EndedBy != "ada" || list[1].Reason != "maintenance" {
			t.Errorf("silences %+v, error %v", list, err)
		}
		audits, err := p.store.Audits(t.Context(), "", 0, 10)
		if err != nil || len(audits) != 3 || audits[0].Action != "unsilence" || audits[2].Action != "silence" || audits[2].Actor != "ada" || audits[2].Target != "quiet" {
			t.Errorf("audit %+v, error %v", audits, err)
		}
		p.end()
	})
}

func TestSilenceMistakes(t *testing.T) {
	s := open(t, file(t))
	defer s.Close()
	jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("billing", "* * * * *", outcomes("s")) })
	hand := alert.New(alert.Options{Store: s, Jobs: jobs}).By(contract.Caller{Actor: "ada"})
	now := time.Now()
	for name, c := range map[string]struct {
		job, reason string
		until       time.Time
		want        string
	}{
		"unknown job":     {"biling", "", now.Add(time.Hour), `no job "biling"; did you mean "billing"?`},
		"no end":          {"", "", time.Time{}, "/until: is missing"},
		"in the past":     {"", "", now.Add(-time.Hour), "/until: is in the past"},
		"for years":       {"", "", now.Add(20_000 * time.Hour), "more than a year"},
		"a long reason":   {"", strings.Repeat("x", 501), now.Add(time.Hour), "/reason: is longer than 500"},
		"a broken reason": {"", "\xff", now.Add(time.Hour), "/reason: is not UTF-8"},
	} {
		if _, err := hand.Silence(t.Context(), c.job, c.until, c.reason); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// Without a channel nothing is looked for, and nothing is told later of what happened meanwhile and
// is older than a day.
func TestWithoutChannels(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		at := file(t)
		jobs := jobsOf(t, failing, func(r *cron.Registry) { r.Register("job", "@at 2000-01-01T00:01:00Z", outcomes("f")) })
		p := begin(t, at, jobs, alert.Options{})
		time.Sleep(2 * time.Minute)
		if n := len(p.all()); n != 0 {
			t.Errorf("%d alerts without a channel", n)
		}
		p.end()
		time.Sleep(25 * time.Hour)
		channel := &recorder{}
		p = begin(t, at, jobs, alert.Options{Channels: []alert.Channel{channel}})
		time.Sleep(time.Minute)
		p.end()
		if told := channel.told(); len(told) != 0 {
			t.Errorf("told %q of yesterday", told)
		}
	})
}

// A test reaches every channel and leaves no trace.
func TestTest(t *testing.T) {
	s := open(t, file(t))
	defer s.Close()
	good, bad := &recorder{name: "good"}, &recorder{name: "bad", fails: -1}
	a := alert.New(alert.Options{Store: s, Channels: []alert.Channel{good, bad}})
	got := a.Test(t.Context())
	if len(got) != 2 || !got[0].Sent || got[0].Channel != "good" || got[1].Sent || got[1].Error != "not now" {
		t.Errorf("results %+v", got)
	}
	if m := good.messages(); len(m) != 1 || !m[0].Test || !strings.Contains(m[0].Text(), "Nothing has happened") {
		t.Errorf("messages %+v", m)
	}
	if _, total, err := a.Alerts(t.Context(), alert.Query{}); err != nil || total != 0 {
		t.Errorf("%d alerts, error %v", total, err)
	}
}
