package api_test

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
	"fibercrons/app/internal/webtest"
	"fibercrons/app/scheduler"
)

var nextPage = regexp.MustCompile(`^<([^>]+)>; rel="next"$`)

func TestRunsArePaged(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	var want []string
	for i := range 7 {
		name := []string{"backup", "report"}[i%2]
		run := webtest.Decode[cron.Record](t, p.Write("/crons/"+name+"/run?wait=4m", "").Want(t, 200))
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
			a := p.Read(next).Want(t, 200)
			for _, run := range webtest.Decode[[]cron.Record](t, a) {
				ids = append(ids, run.ID)
			}
			next = ""
			if m := nextPage.FindStringSubmatch(a.Header.Get("Link")); m != nil {
				next = m[1]
			}
			if pages == 0 { // a run that comes in between must not shift the pages
				p.App.Crons.Trigger(t.Context(), "print", scheduler.Request{})
			}
		}
		ids = without(ids, p, "print")
		if strings.Join(ids, " ") != strings.Join(test.ids, " ") || pages > test.pages+1 || pages < test.pages {
			t.Errorf("%s: %d runs on %d pages, want %d on %d", test.path, len(ids), pages, len(test.ids), test.pages)
		}
	}
}

func without(ids []string, p *webtest.Program, job string) (rest []string) {
	for _, id := range ids {
		if run, err := p.App.Crons.Record(p.T.Context(), id); err != nil || run.Job != job {
			rest = append(rest, id)
		}
	}
	return rest
}

func TestShowRunAndLogs(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	run := webtest.Decode[cron.Record](t, p.Write("/crons/talk/run?wait=4m", "").Want(t, 200))
	shown := webtest.Decode[cron.Record](t, p.Read("/crons/runs/"+run.ID).Want(t, 200))
	if shown.ID != run.ID || shown.Status != cron.Succeeded || shown.Attempt != 1 {
		t.Errorf("%+v", shown)
	}
	path := "/crons/runs/" + run.ID + "/logs"
	lines := webtest.Decode[[]cron.LogLine](t, p.Read(path).Want(t, 200))
	if len(lines) != 5 || lines[0].Seq != 1 || lines[0].Message != "line" || string(lines[4].Attrs) != `{"i":4}` {
		t.Errorf("%+v", lines)
	}
	var seqs []int64
	for next := path + "?limit=2"; next != ""; {
		a := p.Read(next).Want(t, 200)
		for _, line := range webtest.Decode[[]cron.LogLine](t, a) {
			seqs = append(seqs, line.Seq)
		}
		next = ""
		if m := nextPage.FindStringSubmatch(a.Header.Get("Link")); m != nil {
			next = m[1]
		}
	}
	if !slices.Equal(seqs, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("page by page: %v", seqs)
	}
	if lines := webtest.Decode[[]cron.LogLine](t, p.Read(path+"?after=4").Want(t, 200)); len(lines) != 1 || lines[0].Seq != 5 {
		t.Errorf("%+v", lines)
	}
}

func TestCancelAndRetry(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	run := webtest.Decode[cron.Record](t, p.Write("/crons/stay/run", "").Want(t, 202))
	p.Write("/crons/runs/"+run.ID+"/retry", "").Want(t, http.StatusConflict)
	a := p.Write("/crons/runs/"+run.ID+"/cancel", "")
	if a.Status != 200 && a.Status != 202 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	p.Eventually(func() bool {
		return webtest.Decode[cron.Record](t, p.Read("/crons/runs/"+run.ID)).Status == cron.Cancelled
	})
	p.Write("/crons/runs/"+run.ID+"/cancel", "{}").Want(t, 200)

	a = p.Write("/crons/runs/"+run.ID+"/retry", "").Want(t, 202)
	again := webtest.Decode[cron.Record](t, a)
	if again.ID == run.ID || again.Job != "stay" || again.Trigger != cron.ByRetry || a.Header.Get("Location") != "/crons/runs/"+again.ID {
		t.Errorf("%s", a.Body)
	}
}

func TestWaitEndsAtShutdown(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Limits.Drain = 2 * webtest.Patience })
	got := make(chan webtest.Answer, 1)
	go func() { a, _ := p.Try(http.MethodPost, "/crons/stay/run?wait=5m", "", webtest.AsOperator); got <- a }()
	p.Eventually(func() bool {
		runs, err := p.App.Crons.Records(t.Context(), contract.Query{Job: "stay"})
		return err == nil && len(runs) == 1
	})
	begin := time.Now()
	p.Stop()
	a := (<-got).Want(t, http.StatusAccepted)
	if took := time.Since(begin); took > webtest.Patience {
		t.Errorf("the server waited %s for a wait", took)
	}
	if _, err := url.Parse(a.Header.Get("Location")); err != nil {
		t.Error(err)
	}
}
