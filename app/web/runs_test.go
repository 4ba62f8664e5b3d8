package web_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

var nextPage = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

func TestRunsArePaged(t *testing.T) {
	p := start(t, someJobs)
	var want []string
	for i := range 7 {
		name := []string{"backup", "report"}[i%2]
		run := decode[cron.Record](t, p.write("/crons/"+name+"/run?wait=4m", "").want(t, 200))
		want = append([]string{run.ID}, want...)
	}
	tests := []struct {
		path  string
		ids   []string
		pages int
	}{
		{"/crons/runs?limit=3", want, 3},
		{"/crons/runs?limit=7", want, 1},
		{"/crons/runs", want, 1},
		{"/crons/report/runs?limit=2", []string{want[1], want[3], want[5]}, 2},
		{"/crons/runs?status=failed&limit=1", []string{want[1], want[3], want[5]}, 3},
		{"/crons/runs?status=failed,succeeded&limit=4", want, 2},
		{"/crons/runs?since=2001-01-01T00:00:00Z&until=2199-01-01T00:00:00%2B01:00&limit=6", want, 2},
		{"/crons/runs?until=2001-01-01T00:00:00Z", nil, 1},
		{"/crons/runs?since=2199-01-01T00:00:00Z", nil, 1},
	}
	for _, test := range tests {
		var ids []string
		pages := 0
		for next := test.path; next != ""; pages++ {
			a := p.read(next).want(t, 200)
			for _, run := range decode[[]cron.Record](t, a) {
				ids = append(ids, run.ID)
			}
			next = ""
			if m := nextPage.FindStringSubmatch(a.header.Get("Link")); m != nil {
				next = m[1]
			}
			if pages == 0 { // a run that comes in between must not shift the pages
				p.app.Crons.Trigger(t.Context(), "print", scheduler.Request{})
			}
		}
		ids = without(ids, p, "print")
		if strings.Join(ids, " ") != strings.Join(test.ids, " ") || pages > test.pages+1 || pages < test.pages {
			t.Errorf("%s: %d runs on %d pages, want %d on %d", test.path, len(ids), pages, len(test.ids), test.pages)
		}
	}
}

func without(ids []string, p *program, job string) (rest []string) {
	for _, id := range ids {
		if run, err := p.app.Crons.Record(p.t.Context(), id); err != nil || run.Job != job {
			rest = append(rest, id)
		}
	}
	return rest
}

func TestShowRunAndLogs(t *testing.T) {
	p := start(t, someJobs)
	run := decode[cron.Record](t, p.write("/crons/talk/run?wait=4m", "").want(t, 200))
	shown := decode[cron.Record](t, p.read("/crons/runs/"+run.ID).want(t, 200))
	if shown.ID != run.ID || shown.Status != cron.Succeeded || shown.Attempt != 1 {
		t.Errorf("%+v", shown)
	}
	path := "/crons/runs/" + run.ID + "/logs"
	lines := decode[[]cron.LogLine](t, p.read(path).want(t, 200))
	if len(lines) != 5 || lines[0].Seq != 1 || lines[0].Message != "line" || string(lines[4].Attrs) != `{"i":4}` {
		t.Errorf("%+v", lines)
	}
	var seqs []int64
	for next := path + "?limit=2"; next != ""; {
		a := p.read(next).want(t, 200)
		for _, line := range decode[[]cron.LogLine](t, a) {
			seqs = append(seqs, line.Seq)
		}
		next = ""
		if m := nextPage.FindStringSubmatch(a.header.Get("Link")); m != nil {
			next = m[1]
		}
	}
	if !slices.Equal(seqs, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("page by page: %v", seqs)
	}
	if lines := decode[[]cron.LogLine](t, p.read(path+"?after=4").want(t, 200)); len(lines) != 1 || lines[0].Seq != 5 {
		t.Errorf("%+v", lines)
	}
}

func TestCancelAndRetry(t *testing.T) {
	p := start(t, someJobs)
	run := decode[cron.Record](t, p.write("/crons/stay/run", "").want(t, 202))
	p.write("/crons/runs/"+run.ID+"/retry", "").want(t, http.StatusConflict)
	a := p.write("/crons/runs/"+run.ID+"/cancel", "")
	if a.status != 200 && a.status != 202 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	p.eventually(func() bool {
		return decode[cron.Record](t, p.read("/crons/runs/"+run.ID)).Status == cron.Cancelled
	})
	p.write("/crons/runs/"+run.ID+"/cancel", "{}").want(t, 200)

	a = p.write("/crons/runs/"+run.ID+"/retry", "").want(t, 202)
	again := decode[cron.Record](t, a)
	if again.ID == run.ID || again.Job != "stay" || again.Trigger != cron.ByRetry || a.header.Get("Location") != "/crons/runs/"+again.ID {
		t.Errorf("%s", a.body)
	}
}

func TestWaitEndsAtShutdown(t *testing.T) {
	p := start(t, func(set *setup) { someJobs(set); set.limits.Drain = 2 * patience })
	got := make(chan answer, 1)
	go func() { a, _ := p.try(http.MethodPost, "/crons/stay/run?wait=5m", "", asOperator); got <- a }()
	p.eventually(func() bool {
		runs, err := p.app.Crons.Records(t.Context(), contract.Query{Job: "stay"})
		return err == nil && len(runs) == 1
	})
	begin := time.Now()
	p.stop()
	a := (<-got).want(t, http.StatusAccepted)
	if took := time.Since(begin); took > patience {
		t.Errorf("the server waited %s for a wait", took)
	}
	if _, err := url.Parse(a.header.Get("Location")); err != nil {
		t.Error(err)
	}
}
