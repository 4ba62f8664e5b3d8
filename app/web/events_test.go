package web_test

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
	"fibercrons/app/scheduler"
	"fibercrons/app/web"
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
	signs  int    // comments seen
}

// listen opens a stream and reads its greeting.
func (p *program) listen(headers ...header) *listener {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+"/crons/events", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, h := range append(headers, asViewer) {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	l := &listener{t: p.t, answer: resp, lines: bufio.NewReader(resp.Body), cancel: cancel}
	p.t.Cleanup(l.close)
	if resp.StatusCode != http.StatusOK {
		return l
	}
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" {
		p.t.Fatal(resp.Header)
	}
	if e, err := l.block(); err != nil || e.kind != "" || e.id == "" {
		p.t.Fatalf("the greeting is %+v, %v", e, err)
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
				l.signs++
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
	p := start(t, func(set *setup) {
		someJobs(set)
		set.registry.Register("slow", "@yearly", func(ctx context.Context) error {
			cron.RunFrom(ctx).Progress(1, 2, "half <b>way</b>\n\x1b[31m")
			select {
			case <-told:
			case <-ctx.Done():
			}
			return nil
		})
	})
	l := p.listen()

	// A run that is over at once is told as started and ended.
	fast := decode[cron.Record](t, p.write("/crons/report/run?wait=4m", `{"key":"k1"}`).want(t, 200))
	all := l.until(contract.RunEnded)
	if kinds(all) != "run.started run.ended" {
		t.Fatal(kinds(all))
	}
	began, ended := recordOf(t, all[0]), recordOf(t, all[1])
	if began.ID != fast.ID || began.Status != cron.Running || began.EndedAt != nil || began.Error != "" || began.Attempt != 1 || began.StartedAt == nil || began.Key != "k1" {
		t.Errorf("started: %s", all[0].data)
	}
	if shown := p.read("/crons/runs/" + fast.ID).body; all[1].data+"\n" != shown || ended.Status != cron.Failed {
		t.Errorf("the event tells\n%s\nthe API shows\n%s", all[1].data, shown)
	}

	// One that takes longer tells its progress, inert.
	p.write("/crons/slow/run", "").want(t, 202)
	all = l.until(contract.RunProgress)
	if last := all[len(all)-1]; strings.ContainsAny(last.data, "<>\x1b") || recordOf(t, last).Progress.Done != 1 {
		t.Error(last.data)
	}
	close(told)
	l.until(contract.RunEnded)

	// Cancelled by hand.
	stay := decode[cron.Record](t, p.write("/crons/stay/run", "").want(t, 202))
	l.until(contract.RunStarted)
	p.write("/crons/runs/"+stay.ID+"/cancel", "").want(t, 202)
	all = l.until(contract.RunEnded)
	if rec := recordOf(t, all[len(all)-1]); rec.ID != stay.ID || rec.Status != cron.Cancelled {
		t.Error(all[len(all)-1].data)
	}

	// Jobs.
	p.write("/crons/backup/pause", `{"reason":"tests"}`).want(t, 200)
	if e := l.next(); e.kind != "job.paused" || !strings.Contains(e.data, `"name":"backup"`) || !strings.Contains(e.data, `"paused":true`) {
		t.Error(e)
	}
	p.write("/crons/backup/resume", "").want(t, 200)
	if e := l.next(); e.kind != "job.resumed" || !strings.Contains(e.data, `"paused":false`) {
		t.Error(e)
	}
	p.do("PUT", "/crons/backup/schedule", `{"expr":"@hourly"}`, asOperator, jsonBody).want(t, 200)
	if e := l.next(); e.kind != "job.rescheduled" || !strings.Contains(e.data, `"expr":"@hourly"`) {
		t.Error(e)
	}
	for d := time.Second; ; d *= 2 { // on a slow machine it is over before it is heard of
		a := p.write("/crons/backup/pause", `{"until":"`+time.Now().Add(d).UTC().Format(time.RFC3339Nano)+`"}`)
		if a.status != http.StatusBadRequest || d > patience {
			a.want(t, 200)
			break
		}
	}
	if all := l.until(contract.JobWasResumed); kinds(all) != "job.paused job.resumed" { // by itself
		t.Error(kinds(all))
	}
}

// A client that comes back gets what it missed, and one whose place is lost is told so.
func TestEventsGoOnAfterABreak(t *testing.T) {
	p := start(t, someJobs)
	first := p.listen()
	greeted := first.id
	p.write("/crons/backup/run?wait=4m", "").want(t, 200)
	first.until(contract.RunEnded)
	seen := first.id
	first.close()

	missed := decode[cron.Record](t, p.write("/crons/print/run?wait=4m", "").want(t, 200))
	again := p.listen("Last-Event-ID: " + seen)
	all := again.until(contract.RunEnded)
	if kinds(all) != "run.started run.ended" || recordOf(t, all[1]).ID != missed.ID {
		t.Errorf("%s of %s", kinds(all), all[1].data)
	}
	// From the greeting on: everything, with the same IDs.
	whole := p.listen("Last-Event-ID: " + greeted)
	all = append(whole.until(contract.RunEnded), whole.until(contract.RunEnded)...)
	if kinds(all) != "run.started run.ended run.started run.ended" || all[1].id != seen || all[3].id != again.id {
		t.Errorf("%+v", all)
	}
	for _, id := range []string{"other-1", "garbage", strings.Repeat("x", 5000), greeted + "99", "-1"} {
		l := p.listen("Last-Event-ID: " + id)
		if e := l.next(); e.kind != "reset" || e.id != again.id {
			t.Errorf("after %.20s: %+v, want a reset at %s", id, e, again.id)
		}
		l.close()
	}
}

// Two processes on one database: each stream tells what both do, and it tells it once.
func TestEventsOfTwoReplicas(t *testing.T) {
	var url string
	one := start(t, func(set *setup) { someJobs(set); url = set.env["DATABASE_URL"] })
	two := start(t, func(set *setup) { someJobs(set); set.env["DATABASE_URL"] = url })
	here, there := one.listen(), two.listen()

	// A pause that comes and goes between two looks is told all the same, and each once.
	two.write("/crons/talk/pause", "").want(t, 200)
	two.write("/crons/talk/resume", "").want(t, 200)
	run := decode[cron.Record](t, two.write("/crons/stay/run", "").want(t, 202))
	one.write("/crons/runs/"+run.ID+"/cancel", "").want(t, 202)
	one.write("/crons/backup/pause", "").want(t, 200)
	two.write("/crons/backup/resume", "").want(t, 200)
	two.write("/crons/report/pause", "").want(t, 200)
	by := decode[cron.Record](t, one.write("/crons/print/run?wait=4m", "").want(t, 200))
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
	if e := two.listen("Last-Event-ID: " + here.id).next(); e.kind != "reset" {
		t.Error(e)
	}
}

func TestEventsGiveSignsOfLife(t *testing.T) {
	p := start(t, func(set *setup) {
		someJobs(set)
		set.limits = web.Limits{Heartbeat: 20 * time.Millisecond, Write: 500 * time.Millisecond}
	})
	l := p.listen()
	time.Sleep(time.Second) // longer than an answer may take
	p.write("/crons/backup/pause", "").want(t, 200)
	l.until(contract.JobWasPaused)
	if l.signs < 5 {
		t.Errorf("%d signs of life", l.signs)
	}
}

func TestEventsTakeNoMoreThanTheirNumber(t *testing.T) {
	p := start(t, func(set *setup) {
		someJobs(set)
		set.limits = web.Limits{Streams: 2, Heartbeat: 10 * time.Millisecond}
	})
	first, _ := p.listen(), p.listen()
	a := p.read("/crons/events").want(t, 503)
	if a.header.Get("Retry-After") != "10" {
		t.Error(a.header)
	}
	p.do("HEAD", "/crons/events", "", asViewer).want(t, 200) // takes no place
	first.close()                                            // vanishes
	p.eventually(func() bool { return p.listen().answer.StatusCode == http.StatusOK })
}

// Streams end first at shutdown, so that it does not wait for them.
func TestEventsEndAtShutdown(t *testing.T) {
	p := start(t, func(set *setup) { someJobs(set); set.limits.Drain = 2 * patience })
	l := p.listen()
	begin := time.Now()
	p.stop()
	if _, err := l.block(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ended with %v", err)
	}
	err := <-p.ended
	p.ended <- err
	if took := time.Since(begin); took > patience || err != nil {
		t.Errorf("%s %v", took, err)
	}
}

func TestEventsNeedATokenOutside(t *testing.T) {
	p := start(t, func(set *setup) { someJobs(set); set.env["HOST"] = "0.0.0.0" })
	p.do("GET", "/crons/events", "").want(t, 401)
	p.do("GET", "/crons/events", "", "Authorization: Bearer wrong").want(t, 401)
	p.do("POST", "/crons/events", "", asOperator).want(t, 405)
	p.listen() // as a viewer
}

// Many runs in little time: each is told once, or the client is told that it missed some.
func TestEventsOfABurst(t *testing.T) {
	const many = 500
	p := start(t, func(set *setup) { manyJobs(many)(set) })
	l := p.listen()
	for i := range many {
		name := fmt.Sprintf("job-%05d", i)
		if _, err := p.app.Crons.Trigger(t.Context(), name, scheduler.Request{}); err != nil {
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
