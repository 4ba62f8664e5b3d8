package scheduler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
)

func TestPingMistakes(t *testing.T) {
	const secret = "0a1b2c3d"
	for _, test := range []struct {
		option cron.Option
		want   string
	}{
		{cron.Ping(""), "the address of Ping is empty; write one as in https://hc-ping.com/your-uuid, or leave Ping out"},
		{cron.Ping("https://hc-ping.com/%zz" + secret), "the address of Ping is not a URL; write one as in https://hc-ping.com/your-uuid"},
		{cron.Ping(" https://hc-ping.com/" + secret), "the address of Ping is not a URL; write one as in https://hc-ping.com/your-uuid"},
		{cron.Ping("hc-ping.com/" + secret), "the address of Ping needs https:// and a host, as in https://hc-ping.com/your-uuid"},
		{cron.Ping("ftp://hc-ping.com/" + secret), "the address of Ping needs https:// and a host, as in https://hc-ping.com/your-uuid"},
		{cron.Ping("https:///" + secret), "the address of Ping needs https:// and a host, as in https://hc-ping.com/your-uuid"},
		{cron.Ping("https://hc-ping.com/#" + secret), "the address of Ping has a #, and the part after it would not be sent; write it as in https://hc-ping.com/your-uuid"},
		{cron.Ping("https://hc-ping.com/"+secret, "loud"), `ping form "loud" is unknown; use Healthchecks or OnlySuccess`},
		{cron.Ping("https://hc-ping.com/"+secret, cron.OnlySuccess, cron.OnlySuccess), "Ping takes one form, not 2"},
	} {
		r := cron.NewRegistry()
		r.Register("job", "@yearly", bubble.Nothing, test.option)
		_, err := r.Jobs(cron.Defaults{})
		if err == nil || !strings.HasSuffix(err.Error(), `job "job": `+test.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("got  %v\nwant %s", err, test.want)
		}
	}
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Ping("https://a.example/x"), cron.Ping("https://b.example/x"))
	if _, err := r.Jobs(cron.Defaults{}); err == nil || !strings.Contains(err.Error(), "Ping is given twice") {
		t.Errorf("got %v", err)
	}
}

// The address of a ping is never shown.
func TestPingIsSecret(t *testing.T) {
	const secret = "0a1b2c3d"
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Ping("https://me:"+secret+"@hc.example:8443/"+secret+"?key="+secret))
	jobs, err := r.Jobs(cron.Defaults{})
	if err != nil {
		t.Fatal(err)
	}
	detail, err := ops.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs}).Job(t.Context(), "job")
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(detail)
	if err != nil || !strings.Contains(string(shown), `"ping":{"host":"hc.example:8443","form":"healthchecks"}`) {
		t.Errorf("the view is %s (%v)", shown, err)
	}
	target, err := json.Marshal(jobs[0].Ping)
	if err != nil {
		t.Error(err)
	}
	for _, text := range []string{string(shown), string(target), fmt.Sprintf("%v %+v %#v %s", jobs[0].Ping, jobs[0].Ping, jobs[0].Ping, jobs[0].Ping)} {
		if strings.Contains(text, secret) {
			t.Errorf("shown: %s", text)
		}
	}
	if got := jobs[0].Ping.URL(); !strings.HasSuffix(got, "?key="+secret) {
		t.Errorf("the URL is %s", got)
	}
}

// A run that ignores the end of the process is reported as interrupted.
func TestARunLeftBehindIsTold(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		release := make(chan struct{})
		r := cron.NewRegistry()
		r.Register("stubborn", "@yearly", func(context.Context) error { <-release; return nil })
		jobs, err := r.Jobs(cron.Defaults{})
		if err != nil {
			t.Fatal(err)
		}
		var told []cron.Record
		s := scheduler.New(scheduler.Config{Store: crontest.NewMemory(), Jobs: jobs, Observe: func(e contract.Event) {
			if e.Kind == contract.RunEnded {
				told = append(told, e.Record)
			}
		}})
		if _, err := s.Trigger(t.Context(), "stubborn", scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if len(told) != 1 || told[0].Status != cron.Interrupted || told[0].Reason != cron.ReasonShutdown || told[0].StartedAt == nil {
			t.Errorf("told %+v", told)
		}
		close(release)
	})
}
