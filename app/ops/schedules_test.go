package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
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

type tenant struct {
	Tenant int `json:"tenant"`
}

// someSchedules starts a program with a job for stored schedules. Its clock starts at midnight on 1 January 2000, UTC.
func someSchedules(t *testing.T, store contract.Store) *bubble.Program {
	return bubble.Start(t, store, func(r *cron.Registry) {
		r.Register("send", cron.OnDemand, bubble.Nothing, cron.Args(tenant{Tenant: 1}), cron.In("Europe/Berlin"))
		r.Register("plain", cron.OnDemand, bubble.Nothing)
	})
}

var ada = contract.Caller{Actor: "ada", Origin: "here"}

func put(t *testing.T, p *bubble.Program, g cron.Schedule) ops.SchedulePut {
	t.Helper()
	got, err := p.Sched.By(ada).PutSchedule(t.Context(), g, 0)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestScheduleViewHasTheContractsNames(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		put(t, p, cron.Schedule{ID: "tenant-42/daily", Job: "send", Expr: "0 9 * * MON-FRI", Args: tenant{42}, Meta: map[string]string{"plan": "pro"}})
		detail, err := p.Sched.Schedule(t.Context(), "tenant-42/daily")
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(detail.ScheduleView)
		if err != nil {
			t.Fatal(err)
		}
		const want = `{"id":"tenant-42/daily","job":"send","expr":"0 9 * * MON-FRI","timezone":"Europe/Berlin","args":{"tenant":42},"from":null,"until":null,` +
			`"max_runs":0,"meta":{"plan":"pro"},"paused":false,"pause":null,"next_run":"2000-01-03T08:00:00Z","last_run":null,"last_status":null,"last_run_id":null,` +
			`"runs":0,"created_at":"2000-01-01T00:00:00Z","updated_at":"2000-01-01T00:00:00Z","orphaned":false}`
		if string(text) != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
		if detail.UpdatedBy != "ada" || detail.Revision == 0 || len(detail.NextSlots) != 10 || len(detail.NextSlotsLocal) != 10 || detail.Description == "" {
			t.Errorf("%+v", detail)
		}
		if local := detail.NextSlotsLocal[0].Format(time.RFC3339); local != "2000-01-03T09:00:00+01:00" {
			t.Errorf("the first slot is at %s there", local)
		}
		put(t, p, cron.Schedule{ID: "bare", Job: "plain", Expr: "@hourly", Zone: "UTC"})
		bare, err := p.Sched.Schedule(t.Context(), "bare")
		if text, _ := json.Marshal(bare); err != nil || !strings.Contains(string(text), `"args":null`) || !strings.Contains(string(text), `"meta":{}`) {
			t.Errorf("%s %v", text, err)
		}
		p.Stop()
	})
}

// The next run is the first slot that will run, as far as is known.
func TestNextRunOfASchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		p := someSchedules(t, store)
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, g := range []cron.Schedule{
			{ID: "plain", Expr: "@hourly"},
			{ID: "later", Expr: "@hourly", From: day.Add(90 * time.Minute)},
			{ID: "ended", Expr: "@hourly", Until: day.Add(10 * time.Minute), From: day},
			{ID: "once", Expr: "@every 1m", MaxRuns: 1},
			{ID: "paused", Expr: "@hourly", Paused: true},
			{ID: "until", Expr: "@hourly"},
			{ID: "job-paused", Job: "send", Expr: "@hourly"},
		} {
			if g.Job == "" {
				g.Job = "plain"
			}
			if g.ID == "ended" {
				g.Expr = "5 0 * * *"
			}
			put(t, p, g)
		}
		if _, err := p.Sched.By(ada).PauseSchedule(t.Context(), contract.PauseSchedule{ID: "until", Until: day.Add(3 * time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Sched.Pause(t.Context(), contract.Pause{Job: "send"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute + time.Second)
		p.Stop()
		page, err := p.Sched.Schedules(t.Context(), contract.ScheduleQuery{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, v := range page.Items {
			got[v.ID] = "none"
			if v.NextRun != nil {
				got[v.ID] = v.NextRun.Format("15:04")
			}
		}
		want := map[string]string{"plain": "01:00", "later": "02:00", "ended": "none", "once": "none", "paused": "none", "until": "03:00", "job-paused": "none"}
		for id := range want {
			if got[id] != want[id] {
				t.Errorf("%s runs next at %s, want %s", id, got[id], want[id])
			}
		}
		if once := page.Items[slices.IndexFunc(page.Items, func(v ops.ScheduleView) bool { return v.ID == "once" })]; once.Runs != 1 || once.LastStatus == nil || *once.LastStatus != cron.Succeeded || once.LastRunID == nil {
			t.Errorf("%+v", once)
		}
	})
}

func TestOrphanedSchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		store := crontest.NewMemory()
		p := someSchedules(t, store)
		put(t, p, cron.Schedule{ID: "a", Job: "send", Expr: "@hourly", Zone: "UTC"})
		p.Stop()
		p = bubble.Start(t, store, func(r *cron.Registry) { r.Register("other", "@yearly", bubble.Nothing) })
		detail, err := p.Sched.Schedule(t.Context(), "a")
		if err != nil || !detail.Orphaned || detail.NextRun != nil || detail.Timezone != "UTC" || len(detail.NextSlots) != 0 || detail.NextSlots == nil {
			t.Errorf("%+v %v", detail, err)
		}
		if _, err := p.Sched.By(ada).PauseSchedule(t.Context(), contract.PauseSchedule{ID: "a"}); err != nil {
			t.Error(err)
		}
		var noJob *cron.NoJobError
		if _, err := p.Sched.By(ada).TriggerSchedule(t.Context(), "a", scheduler.Request{}); !errors.As(err, &noJob) {
			t.Errorf("a run of it: %v", err)
		}
		if _, err := p.Sched.By(ada).DeleteSchedule(t.Context(), "a", 0); err != nil {
			t.Error(err)
		}
		p.Stop()
	})
}

func TestPagesOfSchedules(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		var list []scheduler.PutSchedule
		for i := range 123 {
			list = append(list, scheduler.PutSchedule{Schedule: cron.Schedule{ID: fmt.Sprintf("s-%03d", i), Job: "plain", Expr: "@yearly"}})
		}
		if _, err := p.Sched.By(ada).PutSchedules(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		var sizes []int
		var ids []string
		for cursor := ""; ; {
			page, err := p.Sched.Schedules(t.Context(), contract.ScheduleQuery{After: cursor})
			if err != nil {
				t.Fatal(err)
			}
			sizes = append(sizes, len(page.Items))
			for _, v := range page.Items {
				ids = append(ids, v.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if fmt.Sprint(sizes) != "[50 50 23]" || len(ids) != 123 || !slices.IsSorted(ids) {
			t.Errorf("pages of %v with %d IDs", sizes, len(ids))
		}
		if page, err := p.Sched.Schedules(t.Context(), contract.ScheduleQuery{Job: "send"}); err != nil || page.Items == nil || len(page.Items) != 0 {
			t.Errorf("%+v %v", page, err)
		}
		p.Stop()
	})
}

// Every change leaves one entry with the values before and after, and what changes nothing leaves none.
func TestChangesOfSchedulesAreAudited(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		by, ctx := p.Sched.By(ada), t.Context()
		g := cron.Schedule{ID: "a/b", Job: "send", Expr: "@hourly"}
		must := func(_ any, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		first := put(t, p, g)
		again := put(t, p, g)
		g.Args = tenant{7}
		changed := put(t, p, g)
		if first.Outcome != contract.PutCreated || again.Outcome != contract.PutUnchanged || changed.Outcome != contract.PutChanged || again.Revision != first.Revision || changed.Revision <= again.Revision {
			t.Errorf("%+v\n%+v\n%+v", first, again, changed)
		}
		if _, err := by.PutSchedule(ctx, g, first.Revision); !errors.Is(err, ops.ErrRevision) {
			t.Errorf("an old revision: %v", err)
		}
		if _, err := by.PutSchedule(ctx, g, contract.NoRevision); !errors.Is(err, ops.ErrRevision) {
			t.Errorf("it exists: %v", err)
		}
		must(by.PauseSchedule(ctx, contract.PauseSchedule{ID: "a/b", Reason: "tests"}))
		must(by.PauseSchedule(ctx, contract.PauseSchedule{ID: "a/b", Resume: true}))
		must(by.PauseSchedule(ctx, contract.PauseSchedule{ID: "a/b", Resume: true}))
		must(by.TriggerSchedule(ctx, "a/b", scheduler.Request{}))
		at := time.Now().Add(time.Hour)
		must(by.Trigger(ctx, "plain", scheduler.Request{At: at}))
		must(by.PutSchedules(ctx, []scheduler.PutSchedule{{Schedule: g}, {Schedule: cron.Schedule{ID: "c", Job: "plain", Expr: "@daily"}}}))
		must(by.PutSchedules(ctx, []scheduler.PutSchedule{{Schedule: g}}))
		if _, err := by.DeleteSchedule(ctx, "a/b", first.Revision); !errors.Is(err, ops.ErrRevision) {
			t.Errorf("an old revision: %v", err)
		}
		must(by.DeleteSchedule(ctx, "a/b", 0))
		var none *ops.NoScheduleError
		for what, err := range map[string]error{
			"delete":  third(by.DeleteSchedule(ctx, "a/b", 0)),
			"pause":   third(by.PauseSchedule(ctx, contract.PauseSchedule{ID: "a/b"})),
			"run":     third(by.TriggerSchedule(ctx, "a/b", scheduler.Request{})),
			"show":    third(p.Sched.Schedule(ctx, "a/b")),
			"not one": third(by.DeleteSchedule(ctx, "\xff\x00", 0)),
		} {
			if !errors.As(err, &none) || !errors.Is(err, cron.ErrNotFound) {
				t.Errorf("%s of none: %v", what, err)
			}
		}
		p.Stop()
		entries, err := audits(p)
		if err != nil {
			t.Fatal(err)
		}
		want := []struct{ what, before, after string }{
			{"schedule.put a/b", "", `"args":{"tenant":1}`},
			{"schedule.put a/b", `"args":{"tenant":1}`, `"args":{"tenant":7}`},
			{"schedule.pause a/b", `{"paused":false}`, `{"paused":true,"reason":"tests","until":null}`},
			{"schedule.resume a/b", `{"paused":true,"reason":"tests","until":null}`, `{"paused":false}`},
			{"run a/b", "", `"schedule":"a/b"`},
			{"run plain", "", `"at":"` + at.UTC().Format(time.RFC3339) + `"`},
			{"schedule.put schedules", "", `{"changed":0,"created":1,"first":"a/b","last":"c","unchanged":1}`},
			{"schedule.delete a/b", `"expr":"@hourly"`, ""},
		}
		if len(entries) != len(want) {
			t.Fatalf("%d entries, want %d: %+v", len(entries), len(want), entries)
		}
		for i, w := range want {
			e := entries[len(entries)-1-i]
			if got := e.Action + " " + e.Target; got != w.what || e.Actor != "ada" || !strings.Contains(string(e.Before), w.before) || !strings.Contains(string(e.After), w.after) ||
				w.before == "" && len(e.Before) > 0 || w.after == "" && len(e.After) > 0 {
				t.Errorf("entry %d is %s by %s: %s -> %s; want %+v", i, got, e.Actor, e.Before, e.After, w)
			}
		}
	})
}

func third[T any](_ T, err error) error { return err }

func TestReadSchedule(t *testing.T) {
	in, err := ops.ReadSchedule([]byte(`{"id":"a","job":"send","expr":"@hourly","timezone":null,"args":{"tenant":2},"from":"2027-01-01T01:00:00+01:00",
		"max_runs":3,"meta":{"a":"b"},"paused":true,"next_run":"2027-01-01T00:00:00Z","outcome":"created","notes":[]}`))
	if err != nil || in.ID != "a" || string(in.Args) != `{"tenant":2}` || in.From.Format(time.RFC3339) != "2027-01-01T00:00:00Z" || in.MaxRuns != 3 || in.Meta["a"] != "b" || !in.Paused {
		t.Errorf("%+v %v", in, err)
	}
	for text, fields := range map[string]string{
		`{`:                          "",
		`[]`:                         "",
		`{"id":7,"job":"x","Job":1}`: "/id /Job",
		`{"expr":"a","expr":"b"}`:    "/expr",
		`{"from":"tomorrow","until":7,"max_runs":1.5,"meta":{"a":1},"paused":"yes"}`: "/from /until /max_runs /meta /paused",
		`{"max_runs":99999999999999999999}`:                                          "/max_runs",
		`{"a/b":1}`:                                                                  "/a~1b",
	} {
		var wrong *cron.ArgsError
		if _, err := ops.ReadSchedule([]byte(text)); !errors.As(err, &wrong) || fieldsOf(wrong.Fields) != fields {
			t.Errorf("%s: %v, want %s", text, err, fields)
		}
	}
}

func fieldsOf(list []cron.FieldError) string {
	names := make([]string, len(list))
	for i, f := range list {
		names[i] = f.Field
	}
	return strings.Join(names, " ")
}

// importAll imports a text to its end.
func importAll(t *testing.T, p *bubble.Program, from io.Reader) ([]ops.ImportLine, *ops.Import, error) {
	t.Helper()
	in := p.Sched.By(ada).Import(from)
	var all []ops.ImportLine
	for {
		some, err := in.Next(t.Context())
		if all = append(all, some...); err != nil {
			if _, again := in.Next(t.Context()); !errors.Is(again, err) {
				t.Errorf("after %v: %v", err, again)
			}
			return all, in, err
		}
		if len(some) > 1000 {
			t.Errorf("%d lines at once", len(some))
		}
	}
}

func TestImport(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		all, in, err := importAll(t, p, strings.NewReader(strings.Join([]string{
			`{"id":"a","job":"send","expr":"@hourly"}`,
			``,
			`{"id":"b","job":"send","expr":"61 * * * *","args":{"x":1},"until":"soon"}`,
			`nonsense`,
			`{"id":"a","job":"send","expr":"@daily"}`, // a second time
			`{"id":"` + strings.Repeat("x", 1<<20) + `"}`,
			`{"id":"c","job":"nobody","expr":"@hourly"}`,
			"{\"id\":\"d\",\"job\":\"plain\",\"expr\":\"@hourly\"}\r",
			`{"id":"a","job":"send","expr":"@daily"}`,
		}, "\n")))
		if !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		var got []string
		for _, l := range all {
			got = append(got, strings.TrimSpace(fmt.Sprint(l.Line, " ", l.ID, " ", l.Outcome, " ", fieldsOf(l.Errors))))
		}
		want := []string{"1 a created", "3 b  /until /expr /args/x", "4", "5 a changed", "6", "7 c  /job", "8 d created", "9 a unchanged"}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got %q\nwant %q", got, want)
		}
		if in.Created != 2 || in.Changed != 1 || in.Unchanged != 1 || in.Wrong != 4 || in.Lines() != 9 {
			t.Errorf("%+v", in)
		}
		p.Stop()
	})
}

// endless makes as many lines as are asked for, and counts what was read of them.
type endless struct {
	lines, next, read int
	rest              []byte
	end               error
}

func (e *endless) Read(into []byte) (int, error) {
	if len(e.rest) == 0 {
		if e.next == e.lines {
			return 0, e.end
		}
		e.rest = fmt.Appendf(nil, `{"id":"s-%06d","job":"plain","expr":"@yearly"}`+"\n", e.next)
		e.next++
	}
	n := copy(into, e.rest)
	e.rest, e.read = e.rest[n:], e.read+n
	return n, nil
}

// A thousand lines are read for a transaction, not more; and what ends the import early leaves the lines before.
func TestImportIsInParts(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		from := &endless{lines: 3500, end: io.ErrUnexpectedEOF}
		in := p.Sched.By(ada).Import(from)
		if some, err := in.Next(t.Context()); err != nil || len(some) != 1000 || from.next > 3000 {
			t.Fatalf("%d answers, %d lines made: %v", len(some), from.next, err)
		}
		n := 1000
		for {
			some, err := in.Next(t.Context())
			n += len(some)
			if err != nil {
				if !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Error(err)
				}
				break
			}
		}
		if n != 3500 || in.Created != 3500 {
			t.Errorf("%d answers, %+v", n, in.Tally)
		}
		entries, err := audits(p)
		if err != nil || len(entries) != 4 || !strings.Contains(string(entries[0].After), `"created":500`) {
			t.Errorf("%+v %v", entries, err)
		}
		p.Stop()
	})
}

// unwilling refuses puts.
type unwilling struct {
	contract.Store
	after int
}

func (u *unwilling) PutSchedules(ctx context.Context, puts []contract.PutSchedule) ([]contract.PutResult, error) {
	if u.after--; u.after < 0 {
		return nil, errors.New("the disk is full")
	}
	return u.Store.PutSchedules(ctx, puts)
}

func TestImportThatBreaksOff(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, &unwilling{crontest.NewMemory(), 1})
		all, in, err := importAll(t, p, &endless{lines: 3500, end: io.EOF})
		var broke *ops.ImportError
		if !errors.As(err, &broke) || broke.First != 1001 || broke.Last != 2000 || len(all) != 1000 || in.Created != 1000 {
			t.Errorf("%d answers, %+v: %v", len(all), in.Tally, err)
		}
		p.Stop()
	})
}

// What is exported can be imported again, and is then as it was.
func TestExportRoundTrip(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		put(t, p, cron.Schedule{
			ID: "<all>/1", Job: "send", Expr: " H H * * * ", Zone: "Asia/Tokyo", Args: tenant{42}, From: day.Add(time.Hour), Until: day.AddDate(1, 0, 0),
			MaxRuns: 5, Meta: map[string]string{"plan": "pro"}, Paused: true,
		})
		put(t, p, cron.Schedule{ID: "least", Job: "plain", Expr: "@hourly"})
		var lines []string
		for in, err := range p.Sched.EachSchedule(t.Context(), contract.ScheduleQuery{}) {
			text, jsonErr := json.Marshal(in)
			if err != nil || jsonErr != nil {
				t.Fatal(err, jsonErr)
			}
			lines = append(lines, string(text))
		}
		if len(lines) != 2 || lines[1] != `{"id":"least","job":"plain","expr":"@hourly"}` {
			t.Errorf("%q", lines)
		}
		all, in, err := importAll(t, p, strings.NewReader(strings.Join(lines, "\n")))
		if !errors.Is(err, io.EOF) || in.Unchanged != 2 || in.Wrong != 0 {
			t.Errorf("%+v %v", all, err)
		}
		p.Stop()
	})
}

func TestPreviewOfASchedule(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		p := someSchedules(t, crontest.NewMemory())
		day := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		got, err := p.Sched.PreviewSchedule(ops.ScheduleQuestion{Job: "send", Expr: "0 9 * * *", From: day.AddDate(0, 1, 0), Until: day.AddDate(0, 1, 2)})
		if err != nil || got.Timezone != "Europe/Berlin" || len(got.NextSlots) != 2 || got.NextSlots[0].Format(time.RFC3339) != "2000-02-01T08:00:00Z" ||
			got.NextSlotsLocal[1].Format(time.RFC3339) != "2000-02-02T09:00:00+01:00" {
			t.Errorf("%+v %v", got, err)
		}
		one, _ := p.Sched.PreviewSchedule(ops.ScheduleQuestion{ID: "a", Expr: "H H * * *"})
		two, err := p.Sched.PreviewSchedule(ops.ScheduleQuestion{ID: "b", Expr: "H H * * *"})
		if err != nil || one.NextSlots[0].Equal(two.NextSlots[0]) {
			t.Errorf("H does not hash the ID: %v", err)
		}
		var wrong *cron.ArgsError
		_, err = p.Sched.PreviewSchedule(ops.ScheduleQuestion{Job: "sent", Expr: "61 * * * *", From: day, Until: day.Add(-1)})
		if !errors.As(err, &wrong) || fieldsOf(wrong.Fields) != "/job /expr /until" {
			t.Errorf("%v", err)
		}
		put(t, p, cron.Schedule{ID: "few", Job: "plain", Expr: "@hourly", MaxRuns: 3})
		if stored, err := p.Sched.ScheduleSlots(t.Context(), "few"); err != nil || len(stored.NextSlots) != 3 {
			t.Errorf("%+v %v", stored, err)
		}
		p.Stop()
	})
}

// audits returns what is in the audit log, newest first.
func audits(p *bubble.Program) ([]contract.AuditEntry, error) {
	return p.Store.(*crontest.Memory).Audits(context.Background(), "", 0, 100)
}
