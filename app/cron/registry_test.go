package cron_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/internal/bubble"
)

// line returns the place of its caller as registrations name it, some lines further on.
func line(t *testing.T, further int) string {
	t.Helper()
	_, _, n, ok := runtime.Caller(1)
	if !ok {
		t.Fatal("no caller")
	}
	return fmt.Sprintf("cron/registry_test.go:%d", n+further)
}

func TestMistakes(t *testing.T) {
	type args struct {
		F func() `json:"f"`
	}
	long := strings.Repeat("x", 101)
	with := func(options ...cron.Option) func(*cron.Registry) {
		return func(r *cron.Registry) { r.Register("job", "@hourly", bubble.Nothing, options...) }
	}
	tests := []struct {
		name     string
		register func(r *cron.Registry)
		want     []string // what each mistake says, in order
	}{
		{"empty name", func(r *cron.Registry) { r.Register("", "@hourly", bubble.Nothing) }, []string{`job "": a name has 1 to 100`}},
		{"capital", func(r *cron.Registry) { r.Register("Job", "@hourly", bubble.Nothing) }, []string{`job "Job": a name has`}},
		{"slash", func(r *cron.Registry) { r.Register("a/b", "@hourly", bubble.Nothing) }, []string{"a name has"}},
		{"dash first", func(r *cron.Registry) { r.Register("-a", "@hourly", bubble.Nothing) }, []string{"a name has"}},
		{"line end in name", func(r *cron.Registry) { r.Register("a\n", "@hourly", bubble.Nothing) }, []string{`job "a\n": a name has`}},
		{"long name", func(r *cron.Registry) { r.Register(long, "@hourly", bubble.Nothing) }, []string{"a name has"}},
		{"longest name", func(r *cron.Registry) { r.Register(long[1:], "@hourly", bubble.Nothing) }, nil},
		{"reserved name", func(r *cron.Registry) { r.Register("runs", "@hourly", bubble.Nothing) }, []string{"the name is reserved for /crons/runs"}},
		{"reserved name of a file", func(r *cron.Registry) { r.Register("openapi.json", "@hourly", bubble.Nothing) }, []string{"reserved"}},
		{"nil function", func(r *cron.Registry) { r.Register("job", "@hourly", nil) }, []string{"the function is nil"}},
		{"minute 61", func(r *cron.Registry) { r.Register("job", "61 * * * *", bubble.Nothing) }, []string{`schedule "61 * * * *": minute 61`}},
		{"never fires", func(r *cron.Registry) { r.Register("job", "0 0 30 2 *", bubble.Nothing) }, []string{`schedule "0 0 30 2 *": `}},
		{"empty expression", func(r *cron.Registry) { r.Register("job", "", bubble.Nothing) }, []string{`schedule ""`}},
		{"TZ without a zone", func(r *cron.Registry) { r.Register("job", "TZ= * * * * *", bubble.Nothing) }, []string{"time zone"}},
		{"unknown TZ", func(r *cron.Registry) { r.Register("job", "TZ=Europe/Berlim * * * * *", bubble.Nothing) }, []string{"did you mean Europe/Berlin?"}},
		{"Also", with(cron.Also("x"), cron.Also("0 0 31 2 *")), []string{`schedule "x"`, `schedule "0 0 31 2 *"`}},
		{"In", with(cron.In("Europe/Berlim")), []string{"did you mean Europe/Berlin?"}},
		{"In nothing", with(cron.In("")), []string{"the time zone is empty"}},
		{"In Local", with(cron.In("Local")), []string{"Local"}},
		{"nil option", with(nil, cron.Tags("a"), cron.Option(nil)), []string{"option 1 is nil", "option 3 is nil"}},
		{"nil middleware", with(cron.Use(nil)), []string{"middleware 1 is nil"}},
		{"middleware that panics", with(cron.Use(func(cron.Func) cron.Func { panic("no") })), []string{"a wrapper panicked when it was applied to the job, at cron/registry_test.go:"}},
		{"middleware that returns nil", with(cron.Use(func(cron.Func) cron.Func { return nil })), []string{"a wrapper returned nil"}},
		{"nil middleware of all", func(r *cron.Registry) { r.Use(nil); r.Register("job", "@hourly", bubble.Nothing) }, []string{"Registry.Use: middleware 1 is nil"}},
		{"tags", with(cron.Tags("a b", "a,b", "", "a\u00a0b", "\xff", "a\x00", "ok", long)), []string{`tag "a b"`, `tag "a,b"`, `tag ""`, `tag "a\u00a0b"`, `tag "\xff"`, `tag "a\x00"`, `tag "xxx`}},
		{"meta", with(cron.Meta("", "v")), []string{`metadata needs a key for the value "v"`}},
		{"only", with(cron.Only()), []string{`Only("production")`}},
		{"only an empty one", with(cron.Only("a", "")), []string{`Only("production")`}},
		{"timeout", with(cron.Timeout(-1)), []string{"timeout -1ns is negative"}},
		{"retry", with(cron.Retry(-1), cron.Retry(1001)), []string{"retry count -1", "retry count 1001"}},
		{"two backoffs", with(cron.Retry(1, cron.Fixed(0), cron.Fixed(0))), []string{"one backoff, not 2"}},
		{"backoff", with(cron.Retry(1, cron.Fixed(-time.Second))), []string{"backoff -1s is negative"}},
		{"doubling nothing", with(cron.Retry(1, cron.Exponential(0))), []string{"Fixed(0)"}},
		{"retry if", with(cron.RetryIf(nil)), []string{"RetryIf needs a function"}},
		{"overlap", with(cron.Overlap("twice")), []string{`overlap policy "twice"`}},
		{"catch-up", with(cron.CatchUp("some", nil, cron.Within(-1), cron.AtMost(0), cron.AtMost(10_001))),
			[]string{`catch-up policy "some"`, "catch-up limit 1 is nil", "window -1ns", "cap 0", "cap 10001"}},
		{"start deadline", with(cron.StartWithin(-1)), []string{"start deadline -1ns"}},
		{"crash", with(cron.OnCrash("panic")), []string{`crash policy "panic"`}},
		{"group", with(cron.Limit("", 0)), []string{`group ""`, `limit 0 of group ""`}},
		{"history", with(cron.Keep(-1, 0), cron.Keep(0, -1)), []string{"history of -1 runs", "history of 0 runs and -1ns"}},
		{"arguments that are no struct", with(cron.Args(7)), []string{"arguments: int is not a struct"}},
		{"arguments without JSON", with(cron.Args(args{})), []string{"arguments: the defaults are not JSON"}},
		{"defaults that are refused", with(cron.Args(picky{})), []string{"arguments: the defaults are refused: n must be positive"}},
		{"defaults that panic", with(cron.Args(picky{N: 13})), []string{"picky panicked at cron/args_test.go:"}},
		{"everything at once", func(r *cron.Registry) { r.Register("events", "x", nil, cron.In("y"), nil, cron.Tags("")) },
			[]string{"option 2 is nil", `tag ""`, "reserved", "function is nil", `time zone "y"`, `schedule "x"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := cron.NewRegistry()
			tt.register(r)
			jobs, err := r.Jobs(bubble.Defaults)
			if len(tt.want) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var m *cron.Mistakes
			if !errors.As(err, &m) || jobs != nil || len(m.List) != len(tt.want) || err.Error() != strings.Join(m.List, "\n") {
				t.Fatalf("%d jobs, %v; want %q", len(jobs), err, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(m.List[i], want) {
					t.Errorf("mistake %d is %q, want %q in it", i, m.List[i], want)
				}
			}
		})
	}
}

// TestMistakesOfAllJobsComeTogether registers in every order and expects one answer.
func TestMistakesOfAllJobsComeTogether(t *testing.T) {
	at := line(t, 2) // the first of the calls below
	calls := []func(r *cron.Registry){
		func(r *cron.Registry) { r.Register("a", "61 * * * *", bubble.Nothing) },
		func(r *cron.Registry) { r.Register("b", "@hourly", bubble.Nothing) },
		func(r *cron.Registry) { r.Register("b", "x", bubble.Nothing) },
		func(r *cron.Registry) { r.Register("b", "@daily", bubble.Nothing) },
		func(r *cron.Registry) { r.Register("c", "@hourly", bubble.Nothing, cron.Limit("db", 2)) },
		func(r *cron.Registry) { r.Register("d", "@hourly", bubble.Nothing, cron.Limit("db", 3)) },
		func(r *cron.Registry) { r.Register("runs", "@hourly", bubble.Nothing) },
	}
	var base int
	if _, err := fmt.Sscanf(strings.TrimPrefix(at, "cron/registry_test.go:"), "%d", &base); err != nil {
		t.Fatal(err)
	}
	place := func(i int) string { return fmt.Sprintf("cron/registry_test.go:%d", base+i) }
	calls = append(calls, elsewhere)
	want := []string{
		"cron/middleware_test.go:", // files in order of their names
		place(0) + `: job "a": schedule "61 * * * *": minute 61 is out of range 0-59`,
		place(2) + `: job "b": schedule "x": `,
		place(2) + `: job "b": the name is taken by the job at ` + place(1),
		place(3) + `: job "b": the name is taken by the job at ` + place(1),
		place(5) + `: job "d": group "db" has limit 3 here and 2 at ` + place(4),
		place(6) + `: job "runs": the name is reserved`,
	}
	for range 20 {
		r := cron.NewRegistry()
		for _, i := range rand.Perm(len(calls)) {
			calls[i](r)
		}
		_, err := r.Jobs(bubble.Defaults)
		var m *cron.Mistakes
		if !errors.As(err, &m) || len(m.List) != len(want) {
			t.Fatalf("%v\nwant %d mistakes", err, len(want))
		}
		for i := range want {
			if !strings.HasPrefix(m.List[i], want[i]) {
				t.Fatalf("mistake %d is\n%s, want\n%s", i, m.List[i], want[i])
			}
		}
	}
}

func TestRegisterKnowsItsCaller(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("by-method", "@hourly", bubble.Nothing)
	method := line(t, -1)
	func() { r.Register("in-a-function", "@hourly", bubble.Nothing) }()
	nested := line(t, -1)
	jobs, err := r.Jobs(bubble.Defaults)
	if err != nil || len(jobs) != 2 {
		t.Fatal(err)
	}
	if jobs[0].Source != method || jobs[1].Source != nested {
		t.Errorf("registered at %s and %s, want %s and %s", jobs[0].Source, jobs[1].Source, method, nested)
	}

	defer func(before *cron.Registry) { cron.Default = before }(cron.Default)
	cron.Default = cron.NewRegistry()
	cron.Register("by-package", "@hourly", bubble.Nothing)
	pkg := line(t, -1)
	if jobs, err = cron.Default.Jobs(bubble.Defaults); err != nil || len(jobs) != 1 || jobs[0].Source != pkg {
		t.Errorf("%v, %v; want one job from %s", jobs, err, pkg)
	}
}

func TestJobsAreTheSameInAnyOrder(t *testing.T) {
	names := []string{"e", "b", "a", "d", "c"}
	r := cron.NewRegistry()
	for _, i := range rand.Perm(len(names)) {
		r.Register(names[i], "@hourly", bubble.Nothing)
	}
	jobs, err := r.Jobs(bubble.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, j := range jobs {
		got += j.Name
	}
	if got != "abcde" {
		t.Errorf("%s, want them by name", got)
	}
}

func TestJobsFillsInDefaults(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	d := cron.Defaults{
		Zone: berlin, Env: "staging", Timeout: time.Minute, Retries: 2, RetryDelay: 3 * time.Second, MaxRetryDelay: time.Hour,
		CatchUpWindow: 4 * time.Hour, KeepRuns: 5, KeepFor: 6 * time.Hour,
	}
	r := cron.NewRegistry()
	r.Register("plain", "0 9 * * *", bubble.Nothing)
	r.Register("says", "0 9 * * *", bubble.Nothing, cron.In("Asia/Tokyo"), cron.Timeout(0), cron.Retry(0, cron.Fixed(time.Second)),
		cron.Overlap(cron.Queue), cron.CatchUp(cron.All, cron.Within(0), cron.AtMost(7)), cron.OnCrash(cron.Rerun),
		cron.StartWithin(time.Second), cron.Limit("db", 2), cron.Keep(0, 0), cron.Only("production", "staging"),
		cron.Tags("b", "a", "b"), cron.Meta("k", "1"), cron.Meta("k", "2"), cron.Describe("what for"))
	r.Register("zoned", "TZ=America/New_York 0 9 * * *", bubble.Nothing, cron.In("Asia/Tokyo"), cron.Only("production"))
	jobs, err := r.Jobs(d)
	if err != nil {
		t.Fatal(err)
	}
	plain, says, zoned := jobs[0], jobs[1], jobs[2]

	p := plain.Policies
	if p.Timeout != time.Minute || p.Retries != 2 || p.Backoff.String() != "3s, doubling, up to 1h0m0s" || p.Overlap != cron.Skip ||
		p.CatchUp != cron.Latest || p.CatchUpFor != 4*time.Hour || p.CatchUpCap != 100 || p.OnCrash != cron.Skip || p.KeepRuns != 5 || p.KeepFor != 6*time.Hour {
		t.Errorf("defaults: %+v", p)
	}
	if plain.Zone != berlin || plain.Disabled != "" {
		t.Errorf("zone %s, disabled %q", plain.Zone, plain.Disabled)
	}

	p = says.Policies
	if p.Timeout != 0 || p.Retries != 0 || p.Backoff.String() != "every 1s" || p.Overlap != cron.Queue || p.CatchUp != cron.All ||
		p.CatchUpFor != 0 || p.CatchUpCap != 7 || p.OnCrash != cron.Rerun || p.StartWithin != time.Second || p.Group != "db" ||
		p.GroupLimit != 2 || p.KeepRuns != 0 || p.KeepFor != 0 {
		t.Errorf("what the job says: %+v", p)
	}
	if fmt.Sprint(says.Tags) != "[b a]" || says.Metadata["k"] != "2" || says.Description != "what for" || says.Zone.String() != "Asia/Tokyo" || says.Disabled != "" {
		t.Errorf("%+v", says)
	}
	if zoned.Zone.String() != "America/New_York" || zoned.Disabled != `runs only where APP_ENV is production; it is "staging"` {
		t.Errorf("zone %s, disabled %q", zoned.Zone, zoned.Disabled)
	}
	if next, ok := zoned.Next(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)); !ok || !next.Equal(time.Date(2027, 1, 1, 14, 0, 0, 0, time.UTC)) {
		t.Errorf("next %s", next)
	}
}

// A registry is closed by Jobs: what comes later would not be part of the program.
func TestNothingIsAddedAfterJobs(t *testing.T) {
	out := captureLog(t)
	r := cron.NewRegistry()
	r.Register("job", "@hourly", bubble.Nothing)
	if _, err := r.Jobs(bubble.Defaults); err != nil {
		t.Fatal(err)
	}
	r.Register("late", "@hourly", bubble.Nothing)
	registered := line(t, -1)
	r.Use(func(cron.Func) cron.Func { return nil })
	used := line(t, -1)
	if jobs, err := r.Jobs(bubble.Defaults); err != nil || len(jobs) != 1 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	if text := out.String(); !strings.Contains(text, registered) || !strings.Contains(text, used) {
		t.Errorf("the log does not name %s and %s: %s", registered, used, text)
	}
}

func TestClone(t *testing.T) {
	var order []string
	mark := func(name string) cron.Middleware {
		return func(next cron.Func) cron.Func {
			return func(ctx context.Context) error { order = append(order, name); return next(ctx) }
		}
	}
	r := cron.NewRegistry()
	r.Use(mark("shared"))
	r.Register("job", "@hourly", bubble.Nothing)
	if _, err := r.Jobs(bubble.Defaults); err != nil {
		t.Fatal(err)
	}
	c := r.Clone(mark("outer"))
	c.Register("other", "@hourly", bubble.Nothing)
	if got := run(t, c, "job"); got.Err != nil || fmt.Sprint(order) != "[outer shared]" {
		t.Errorf("%v, wrappers %v", got.Err, order)
	}
	order = nil
	if got := run(t, r, "job"); got.Err != nil || fmt.Sprint(order) != "[shared]" {
		t.Errorf("of the original: %v, wrappers %v", got.Err, order)
	}
	if jobs, err := r.Jobs(bubble.Defaults); err != nil || len(jobs) != 1 {
		t.Errorf("the original has %d jobs, %v", len(jobs), err)
	}
}
