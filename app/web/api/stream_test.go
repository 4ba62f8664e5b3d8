package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/scheduler"
)

// event is one event of a stream, as a browser's EventSource would see it.
type event struct {
	id, kind, data string
}

// listener reads a stream.
type listener struct {
	t      testing.TB
	answer *http.Response
	lines  *bufio.Reader
	cancel context.CancelFunc
	id     string // last seen, what a browser would come back with
}

// listen opens a stream and reads its greeting.
func listen(p *webtest.Program, headers ...webtest.Header) *listener {
	p.T.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), webtest.Patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/crons/events", nil)
	if err != nil {
		p.T.Fatal(err)
	}
	for _, h := range append(headers, webtest.AsViewer) {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := webtest.Client.Do(req)
	if err != nil {
		p.T.Fatal(err)
	}
	l := &listener{t: p.T, answer: resp, lines: bufio.NewReader(resp.Body), cancel: cancel}
	p.T.Cleanup(l.close)
	if resp.StatusCode != http.StatusOK {
		return l
	}
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" {
		p.T.Fatal(resp.Header)
	}
	if e, err := l.block(); err != nil || e.kind != "" || e.id == "" {
		p.T.Fatalf("the greeting is %+v, %v", e, err)
	}
	return l
}

func (l *listener) close() {
	l.cancel()
	l.answer.Body.Close()
}

// block reads up to the next empty line.
func (l *listener) block() (e event, err error) {
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			return e, err
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.id, l.id = value, value
		case "event":
			e.kind = value
		case "data":
			e.data = value
		case "":
			if value != "" {
				continue
			}
			if e != (event{}) {
				return e, nil
			}
		}
	}
}

func (l *listener) next() event {
	l.t.Helper()
	e, err := l.block()
	if err != nil {
		l.t.Fatalf("the stream has ended: %v", err)
	}
	return e
}

// until reads events up to the first of a kind and returns all of them.
func (l *listener) until(kind contract.EventKind) (all []event) {
	l.t.Helper()
	for {
		e := l.next()
		if all = append(all, e); e.kind == string(kind) {
			return all
		}
	}
}

func kinds(all []event) string {
	words := make([]string, len(all))
	for i, e := range all {
		words[i] = e.kind
	}
	return strings.Join(words, " ")
}

func recordOf(t testing.TB, e event) (rec cron.Record) {
	t.Helper()
	if err := json.Unmarshal([]byte(e.data), &rec); err != nil {
		t.Fatalf("%v in %s", err, e.data)
	}
	return rec
}

// The stream tells what happens, in order, with the objects that the API shows.
func TestEventsTellWhatHappens(t *testing.T) {
	told := make(chan struct{})
	p := webtest.Start(t, func(set *webtest.Setup) {
		webtest.SomeJobs(set)
		set.Registry.Register("slow", "@yearly", func(ctx context.Context) error {
			cron.RunFrom(ctx).Progress(1, 2, "half <b>way</b>\n\x1b[31m")
			select {
			case <-told:
			case <-ctx.Done():
			}
			return nil
		})
	})
	l := listen(p)

	// A run that is over at once is told as started and ended.
	fast := webtest.Decode[cron.Record](t, p.Write("/crons/report/run?wait=4m", `{"key":"k1"}`).Want(t, 200))
	all := l.until(contract.RunEnded)
	if kinds(all) != "run.started run.ended" {
		t.Fatal(kinds(all))
	}
	began, ended := recordOf(t, all[0]), recordOf(t, all[1])
	if began.ID != fast.ID || began.Status != cron.Running || began.EndedAt != nil || began.Error != "" || began.Attempt != 1 || began.StartedAt == nil || began.Key != "k1" {
		t.Errorf("started: %s", all[0].data)
	}
	if shown := p.Read("/crons/runs/" + fast.ID).Body; all[1].data+"\n" != shown || ended.Status != cron.Failed {
		t.Errorf("the event tells\n%s\nthe API shows\n%s", all[1].data, shown)
	}

	// One that takes longer tells its progress, inert.
	p.Write("/crons/slow/run", "").Want(t, 202)
	all = l.until(contract.RunProgress)
	if last := all[len(all)-1]; strings.ContainsAny(last.data, "<>\x1b") || recordOf(t, last).Progress.Done != 1 {
		t.Error(last.data)
	}
	close(told)
	l.until(contract.RunEnded)

	// Cancelled by hand.
	stay := webtest.Decode[cron.Record](t, p.Write("/crons/stay/run", "").Want(t, 202))
	l.until(contract.RunStarted)
	p.Write("/crons/runs/"+stay.ID+"/cancel", "").Want(t, 202)
	all = l.until(contract.RunEnded)
	if rec := recordOf(t, all[len(all)-1]); rec.ID != stay.ID || rec.Status != cron.Cancelled {
		t.Error(all[len(all)-1].data)
	}

	// Jobs.
	p.Write("/crons/backup/pause", `{"reason":"tests"}`).Want(t, 200)
	if e := l.next(); e.kind != "job.paused" || !strings.Contains(e.data, `"name":"backup"`) || !strings.Contains(e.data, `"paused":true`) {
		t.Error(e)
	}
	p.Write("/crons/backup/resume", "").Want(t, 200)
	if e := l.next(); e.kind != "job.resumed" || !strings.Contains(e.data, `"paused":false`) {
		t.Error(e)
	}
	p.Do("PUT", "/crons/backup/schedule", `{"expr":"@hourly"}`, webtest.AsOperator, webtest.JSONBody).Want(t, 200)
	if e := l.next(); e.kind != "job.rescheduled" || !strings.Contains(e.data, `"expr":"@hourly"`) {
		t.Error(e)
	}
	for d := time.Second; ; d *= 2 { // on a slow machine it is over before it is heard of
		a := p.Write("/crons/backup/pause", `{"until":"`+time.Now().Add(d).UTC().Format(time.RFC3339Nano)+`"}`)
		if a.Status != http.StatusBadRequest || d > webtest.Patience {
			a.Want(t, 200)
			break
		}
	}
	if all := l.until(contract.JobWasResumed); kinds(all) != "job.paused job.resumed" { // by itself
		t.Error(kinds(all))
	}
}

// A client that comes back gets what it missed, and one whose place is lost is told so.
func TestEventsGoOnAfterABreak(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	first := listen(p)
	greeted := first.id
	p.Write("/crons/backup/run?wait=4m", "").Want(t, 200)
	first.until(contract.RunEnded)
	seen := first.id
	first.close()

	missed := webtest.Decode[cron.Record](t, p.Write("/crons/print/run?wait=4m", "").Want(t, 200))
	again := listen(p, "Last-Event-ID: "+seen)
	all := again.until(contract.RunEnded)
	if kinds(all) != "run.started run.ended" || recordOf(t, all[1]).ID != missed.ID {
		t.Errorf("%s of %s", kinds(all), all[1].data)
	}
	// From the greeting on: everything, with the same IDs.
	whole := listen(p, "Last-Event-ID: "+greeted)
	all = append(whole.until(contract.RunEnded), whole.until(contract.RunEnded)...)
	if kinds(all) != "run.started run.ended run.started run.ended" || all[1].id != seen || all[3].id != again.id {
		t.Errorf("%+v", all)
	}
	for _, id := range []string{"other-1", "garbage", strings.Repeat("x", 5000), greeted + "99", "-1"} {
		l := listen(p, "Last-Event-ID: "+id)
		if e := l.next(); e.kind != "reset" || e.id != again.id {
			t.Errorf("after %.20s: %+v, want a reset at %s", id, e, again.id)
		}
		l.close()
	}
}

// Two processes on one database: each stream tells what both do, and it tells it once.
func TestEventsOfTwoReplicas(t *testing.T) {
	var url string
	one := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); url = set.Env["DATABASE_URL"] })
	two := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Env["DATABASE_URL"] = url })
	here, there := listen(one), listen(two)

	// A pause that comes and goes between two looks is told all the same, and each once.
	two.Write("/crons/talk/pause", "").Want(t, 200)
	two.Write("/crons/talk/resume", "").Want(t, 200)
	run := webtest.Decode[cron.Record](t, two.Write("/crons/stay/run", "").Want(t, 202))
	one.Write("/crons/runs/"+run.ID+"/cancel", "").Want(t, 202)
	one.Write("/crons/backup/pause", "").Want(t, 200)
	two.Write("/crons/backup/resume", "").Want(t, 200)
	two.Write("/crons/report/pause", "").Want(t, 200)
	by := webtest.Decode[cron.Record](t, one.Write("/crons/print/run?wait=4m", "").Want(t, 200))
	for name, l := range map[string]*listener{"one": here, "two": there} {
		count := map[string]int{}
		for count["run.ended "+run.ID] == 0 || count["run.ended "+by.ID] == 0 || count["job.paused report"] == 0 {
			e := l.next()
			what := struct{ ID, Name string }{}
			if err := json.Unmarshal([]byte(e.data), &what); err != nil {
				t.Fatal(err)
			}
			count[e.kind+" "+what.ID+what.Name]++
		}
		for _, want := range []string{"run.started " + run.ID, "run.ended " + run.ID, "run.started " + by.ID, "run.ended " + by.ID, "job.paused report", "job.paused talk", "job.resumed talk"} {
			if count[want] != 1 {
				t.Errorf("%s tells %q %d times", name, want, count[want])
			}
		}
		if count["reset "] > 0 {
			t.Errorf("%s has missed something: %v", name, count)
		}
	}
	// A place in one process's stream is none in the other's, and that is said.
	if e := listen(two, "Last-Event-ID: "+here.id).next(); e.kind != "reset" {
		t.Error(e)
	}
}

// Streams end first at shutdown, so that it does not wait for them.
func TestEventsEndAtShutdown(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Limits.Drain = 2 * webtest.Patience })
	l := listen(p)
	begin := time.Now()
	p.Stop()
	if _, err := l.block(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	err := <-p.Ended
	p.Ended <- err
	if took := time.Since(begin); took > webtest.Patience || err != nil {
		t.Errorf("%s %v", took, err)
	}
}

func TestEventsNeedATokenOutside(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.SomeJobs(set); set.Env["HOST"] = "0.0.0.0" })
	p.Do("GET", "/crons/events", "").Want(t, 401)
	p.Do("GET", "/crons/events", "", "Authorization: Bearer wrong").Want(t, 401)
	p.Do("POST", "/crons/events", "", webtest.AsOperator).Want(t, 405)
	listen(p) // as a viewer
}

// Many runs in little time: each is told once, or the client is told that it missed some.
func TestEventsOfABurst(t *testing.T) {
	const many = 500
	p := webtest.Start(t, func(set *webtest.Setup) { webtest.ManyJobs(many)(set) })
	l := listen(p)
	for i := range many {
		name := fmt.Sprintf("job-%05d", i)
		if _, err := p.App.Crons.Trigger(t.Context(), name, scheduler.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	count := map[string]int{}
	for ended := 0; ended < many; {
		e := l.next()
		count[e.kind+recordOf(t, e).Job]++
		if e.kind == "run.ended" {
			ended++
		}
	}
	for i := range many {
		name := fmt.Sprintf("job-%05d", i)
		if count["run.started"+name] != 1 || count["run.ended"+name] != 1 {
			t.Errorf("%s was told %d times as started and %d times as ended", name, count["run.started"+name], count["run.ended"+name])
		}
	}
}
