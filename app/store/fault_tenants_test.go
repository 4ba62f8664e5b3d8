//go:build unix

package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/plan"
)

// withTenants ends the name of a set of jobs that has those of stored schedules, too.
const withTenants = "+tenants"

// tenantArgs are the arguments of the jobs of stored schedules. Each change of a schedule's arguments and each deferred
// run has a number of its own.
type tenantArgs struct {
	N int `json:"n"`
}

func tenantArgsOf(raw []byte) int {
	var a tenantArgs
	if len(raw) > 0 && json.Unmarshal(raw, &a) != nil {
		return -1
	}
	return a.N
}

// The jobs of stored schedules, and those of deferred runs.
var (
	tenantJobs   = []string{"tenant-fast", "tenant-rerun", "tenant-line", "tenant-long", "tenant-both"}
	deferredJobs = []string{"once", "once-rerun"}
)

// sometimes is a job of stored schedules that only every other version of the program has.
const sometimes = "tenant-sometimes"

func registerTenants(r *cron.Registry, m *marker, set string) {
	const ms = time.Millisecond
	add := func(name, expr string, takes time.Duration, options ...cron.Option) {
		r.Register(name, expr, m.body(takes, false), append(options, cron.Keep(0, 0), cron.Args(tenantArgs{}))...)
	}
	allow, rerun := cron.Overlap(cron.Allow), cron.OnCrash(cron.Rerun)
	add("tenant-fast", cron.OnDemand, 0, allow)
	add("tenant-rerun", cron.OnDemand, 40*ms, allow, rerun)
	add("tenant-line", cron.OnDemand, 10*ms, cron.Overlap(cron.Queue), rerun, cron.CatchUp(cron.All))
	add("tenant-long", cron.OnDemand, 300*ms)
	add("tenant-both", "@every 200ms", 0, allow) // also by its code
	add("once", cron.OnDemand, 5*ms)
	add("once-rerun", cron.OnDemand, 5*ms, allow, rerun)
	var version int
	if _, err := fmt.Sscanf(set, "version %d", &version); err == nil && version%2 == 0 {
		add(sometimes, cron.OnDemand, 0, allow)
	}
}

// tenants puts, edits, pauses, resumes, deletes and puts again stored schedules while a suite is at work, and defers
// runs. It keeps what it was answered: that says what must have run; see [tenants.violations].
type tenants struct {
	habits
	t      *testing.T
	door   contract.Store
	jobs   map[string]*cron.Job
	stored []string // names of the jobs of schedules
	chance *rand.Rand
	ids    []string
	number int // of the last arguments

	lives map[string][]phase // of each schedule
	later []deferral
	bad   []string // what was answered wrongly
	count map[string]int

	cancel  context.CancelFunc
	working sync.WaitGroup
}

// phase is the time of a stored schedule between two changes.
type phase struct {
	g       contract.Schedule // as it was made
	born    bool              // there was none before
	asked   int64             // when its end was asked for, in ms; 0: it has none
	settled int64             // the watermark at its end, in ms
}

// deferral is a deferred run that was accepted.
type deferral struct {
	id, job, schedule, key string
	due                    int64 // in ms
	args                   int
	cancelled              bool // before it was due: it must not run
	cancelling             bool // it may run or not
}

// expression returns what writes expressions by a format.
func expression(format string, of func(*rand.Rand) []any) func(*rand.Rand) string {
	return func(chance *rand.Rand) string { return fmt.Sprintf(format, of(chance)...) }
}

// The expressions of schedules. A thousand of them have some forty slots a second.
var anyExprs = []func(*rand.Rand) string{
	expression("@every %s", func(c *rand.Rand) []any { return []any{[]string{"7s", "20s", "23s", "30s", "40s"}[c.IntN(5)]} }),
	expression("@every %dms", func(c *rand.Rand) []any { return []any{5000 + 100*c.IntN(400)} }),
	expression("H/%d * * * * *", func(c *rand.Rand) []any { return []any{[]int{20, 30}[c.IntN(2)]} }),
	seconds, anInstant,
}

// movableExprs are those that a process whose clock is off can be told of; see [skewed].
var movableExprs = []func(*rand.Rand) string{seconds, seconds, seconds, anInstant}

// quickExprs are for fake time. Many of their slots coincide.
var quickExprs = []func(*rand.Rand) string{
	quick, quick, quick, quick,
	expression("@every %dms", func(c *rand.Rand) []any { return []any{50 + 10*c.IntN(30)} }),
	anInstant,
}

func quick(c *rand.Rand) string { return fmt.Sprintf("@every %dms", 100*(1+c.IntN(2))) }

// secondsFormat is that of an expression with a slot every so many seconds, from one on.
const secondsFormat = "%d-59/%d * * * * *"

func seconds(c *rand.Rand) string {
	every := []int{20, 30}[c.IntN(2)]
	return fmt.Sprintf(secondsFormat, c.IntN(every), every)
}

const instantPrefix = "@at "

// anInstant is one slot, soon.
func anInstant(c *rand.Rand) string {
	return instantPrefix + time.Now().Add(time.Duration(200+c.IntN(6000))*time.Millisecond).UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}

// habits are what tenants do.
type habits struct {
	prefix    string // of the IDs
	schedules int
	pace      time.Duration // between two changes
	horizon   time.Duration // how far runs are deferred
	exprs     []func(*rand.Rand) string
	seed      uint64
}

// inhabit makes stored schedules of a set's jobs and changes them until rest.
func inhabit(t *testing.T, door contract.Store, set string, h habits) *tenants {
	t.Helper()
	d := &tenants{
		t: t, door: door, habits: h, jobs: map[string]*cron.Job{}, chance: rand.New(rand.NewPCG(*faultSeed, h.seed)),
		lives: map[string][]phase{}, count: map[string]int{},
	}
	for _, j := range jobSet(set, nil) {
		if d.jobs[j.Name] = j; slices.Contains(tenantJobs, j.Name) || j.Name == sometimes {
			d.stored = append(d.stored, j.Name)
		}
	}
	for i := range h.schedules {
		d.ids = append(d.ids, fmt.Sprintf("%s/%03d", h.prefix, i))
	}
	ctx, cancel := context.WithCancel(t.Context())
	d.cancel = cancel
	d.putAll(ctx, d.ids)
	d.working.Go(func() {
		for ctx.Err() == nil && len(d.bad) < 20 {
			d.change(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(time.Duration(d.chance.Int64N(2 * int64(d.pace)))):
			}
		}
	})
	t.Cleanup(d.rest)
	return d
}

// rest changes nothing any more.
func (d *tenants) rest() {
	d.cancel()
	d.working.Wait()
}

func (d *tenants) say(format string, args ...any) {
	d.bad = append(d.bad, fmt.Sprintf(format, args...))
}

// failed reports whether a call got no answer, which the store is to see to.
func (d *tenants) failed(what string, err error) bool {
	if err != nil {
		d.say("unanswered: %s: %v", what, err)
	}
	return err != nil
}

// now is the last phase of a schedule; nil: there is none.
func (d *tenants) now(id string) *phase {
	all := d.lives[id]
	if len(all) == 0 || all[len(all)-1].asked != 0 {
		return nil
	}
	return &all[len(all)-1]
}

func (d *tenants) args() (raw json.RawMessage, number int) {
	d.number++
	raw, _ = json.Marshal(tenantArgs{d.number})
	return raw, d.number
}

// fresh is a schedule as one may be put.
func (d *tenants) fresh(id string) contract.Schedule {
	g := contract.Schedule{ID: id, Job: d.stored[d.chance.IntN(len(d.stored))], Expr: d.exprs[d.chance.IntN(len(d.exprs))](d.chance), UpdatedBy: "tenant"}
	g.Args, _ = d.args()
	if d.chance.IntN(10) == 0 {
		g.MaxRuns = int64(1 + d.chance.IntN(3))
	}
	d.bound(&g)
	g.Paused = d.chance.IntN(20) == 0
	return g
}

// bound gives some schedules a beginning or an end.
func (d *tenants) bound(g *contract.Schedule) {
	soon := func() time.Time { return time.Now().Add(time.Duration(d.chance.IntN(4000)) * time.Millisecond).UTC() }
	g.From, g.Until = time.Time{}, time.Time{}
	switch d.chance.IntN(12) {
	case 0:
		g.From = soon()
	case 1:
		g.Until = soon().Add(time.Second)
	}
}

func keepsPaused(j *cron.Job) bool { return j.Policies.CatchUp == cron.All }

// timetable is that of a schedule.
func (d *tenants) timetable(g *contract.Schedule) *plan.Table {
	table, err := plan.Stored(d.jobs[g.Job], g.ID, g.Expr, g.Zone)
	if err != nil {
		panic(err)
	}
	table.From, table.Until = g.From, g.Until
	return table
}

func (d *tenants) putOf(g contract.Schedule, match int64) contract.PutSchedule {
	return contract.PutSchedule{
		Schedule: g, After: d.timetable(&g).Following, KeepPaused: keepsPaused(d.jobs[g.Job]), Match: match, At: time.Now(),
	}
}

// putAll puts fresh schedules, in one transaction.
func (d *tenants) putAll(ctx context.Context, ids []string) {
	var puts []contract.PutSchedule
	for _, id := range ids {
		g := d.fresh(id)
		if was := d.now(id); was != nil {
			g.MaxRuns = was.g.MaxRuns
		}
		puts = append(puts, d.putOf(g, 0))
	}
	d.put(ctx, "", puts...)
}

// put puts schedules and notes the answers. want is the outcome; empty: whichever it is.
func (d *tenants) put(ctx context.Context, want contract.PutOutcome, puts ...contract.PutSchedule) {
	got, err := d.door.PutSchedules(ctx, puts)
	if ctx.Err() != nil && err != nil || d.failed("put", err) {
		return
	}
	for i := range got {
		p := &puts[i]
		if want != "" && got[i].Outcome != want {
			d.say("answered: the put of %s was %s, and not %s", p.ID, got[i].Outcome, want)
		}
		d.note(p.ID, "put "+string(got[i].Outcome), p.At, &got[i])
		if was, g := got[i].Before, got[i].After; got[i].Outcome == contract.PutCreated || got[i].Outcome == contract.PutChanged {
			anew := was == nil || g.Job != was.Job || g.Expr != was.Expr || !g.From.Equal(was.From) || !g.Until.Equal(was.Until) ||
				!p.KeepPaused && !p.Paused && was.PausedNow(p.At)
			d.edge(was, g, p.At, anew)
		}
	}
}

// edge checks that the slots of a schedule that begins anew do so with its change, and are otherwise the same.
func (d *tenants) edge(was, g *contract.Schedule, at time.Time, anew bool) {
	var from time.Time
	if was != nil {
		from = was.Watermark
	}
	if at = at.Truncate(time.Millisecond); anew && at.After(from) {
		from = at
	}
	if begin := g.From.Add(-time.Millisecond); anew && !g.From.IsZero() && begin.After(from) {
		from = begin
	}
	if !g.Watermark.Equal(from) {
		d.say("edge: the slots of %+v begin after %s, and are to begin after %s; it was %+v", g, g.Watermark, from, was)
	}
}

// note keeps the answer to a change.
func (d *tenants) note(id, what string, asked time.Time, got *contract.PutResult) {
	d.count[what]++
	was := d.now(id)
	switch {
	case (was == nil) != (got.Before == nil), was != nil && was.g.Revision != got.Before.Revision:
		d.say("forgotten: %s was %+v, and is said to have been %+v", id, was, got.Before)
	case got.Outcome == contract.PutConflict, got.Outcome == contract.PutUnchanged:
		return
	}
	if was != nil && got.Before != nil {
		was.asked, was.settled = asked.UnixMilli(), got.Before.Watermark.UnixMilli()
	}
	if g := got.After; g != nil {
		if was != nil && (g.Revision <= was.g.Revision || g.Watermark.Before(got.Before.Watermark)) {
			d.say("backward: %s was %+v and became %+v", id, got.Before, g)
		}
		d.lives[id] = append(d.lives[id], phase{g: *g, born: got.Before == nil})
	}
}

// change makes one change, or defers some runs.
func (d *tenants) change(all context.Context) {
	// One that has begun is not broken off: its answer would be lost.
	ctx := context.WithoutCancel(all)
	id := d.ids[d.chance.IntN(len(d.ids))]
	was := d.now(id)
	if was == nil {
		d.put(ctx, contract.PutCreated, d.putOf(d.fresh(id), []int64{0, contract.NoRevision}[d.chance.IntN(2)]))
		return
	}
	g := was.g
	match := []int64{0, g.Revision}[d.chance.IntN(2)]
	paused := g.Paused && g.PausedUntil.IsZero()
	if d.chance.IntN(4) == 0 {
		d.postpone(ctx)
	}
	switch n := d.chance.IntN(20); {
	case paused && n < 12:
		d.pause(ctx, &g, contract.PauseSchedule{ID: id, Resume: true, Match: match})
	case n < 6: // other slots
		other := d.fresh(id)
		other.Job, other.Args, other.MaxRuns, other.Paused = g.Job, g.Args, g.MaxRuns, paused
		d.put(ctx, "", d.putOf(other, match))
	case n < 10: // other arguments, the same slots
		g.Args, _ = d.args()
		g.Paused = g.PausedNow(time.Now())
		d.put(ctx, "", d.putOf(g, match))
	case n < 12:
		d.pause(ctx, &g, contract.PauseSchedule{ID: id, Actor: "tenant", Match: match})
	case n < 14:
		until := time.Now().Add(time.Duration(200+d.chance.IntN(3000)) * time.Millisecond).UTC()
		d.pause(ctx, &g, contract.PauseSchedule{ID: id, Actor: "tenant", Until: until, Match: match})
	case n < 16:
		d.delete(ctx, id, match)
		if d.chance.IntN(2) == 0 { // put again at once
			d.put(ctx, contract.PutCreated, d.putOf(d.fresh(id), 0))
		}
	case n < 17:
		if g.Paused == paused {
			d.put(ctx, contract.PutUnchanged, d.putOf(g, match))
		}
	case n < 18: // an edit of what it was before
		g.Args, _ = d.args()
		d.put(ctx, contract.PutConflict, d.putOf(g, g.Revision-1))
	case n < 19:
		at := d.chance.IntN(len(d.ids))
		d.putAll(ctx, d.ids[at:min(at+20, len(d.ids))])
	default: // another job's
		other := d.fresh(id)
		other.MaxRuns = g.MaxRuns
		d.put(ctx, "", d.putOf(other, match))
	}
}

func (d *tenants) pause(ctx context.Context, g *contract.Schedule, p contract.PauseSchedule) {
	p.After, p.KeepPaused, p.At = d.timetable(g).Following, keepsPaused(d.jobs[g.Job]), time.Now()
	got, err := d.door.PauseSchedule(ctx, p)
	if d.failed("pause", err) {
		return
	}
	what := "pause "
	if p.Resume {
		what = "resume "
	}
	d.note(p.ID, what+string(got.Outcome), p.At, &got)
	if got.Outcome == contract.PutChanged {
		d.edge(got.Before, got.After, p.At, p.Resume && !p.KeepPaused)
	}
}

func (d *tenants) delete(ctx context.Context, id string, match int64) {
	asked := time.Now()
	got, err := d.door.DeleteSchedule(ctx, id, match)
	if errors.Is(err, cron.ErrNotFound) {
		d.say("forgotten: %s is not found", id)
		return
	}
	if !d.failed("delete", err) {
		d.note(id, "delete", asked, &got)
	}
}

// postpone defers some runs, repeats a request, and cancels one.
func (d *tenants) postpone(ctx context.Context) {
	var claims []contract.Claim
	var runs []deferral
	for range 1 + d.chance.IntN(3) {
		raw, n := d.args()
		r := deferral{id: uuid.Must(uuid.NewV7()).String(), job: deferredJobs[d.chance.IntN(len(deferredJobs))], key: fmt.Sprintf("%s-%d", d.ids[0], n), args: n}
		if d.chance.IntN(4) == 0 {
			r.schedule = d.ids[d.chance.IntN(len(d.ids))] // it overlaps with the runs of that
		}
		due := time.Now().Add(time.Duration(d.chance.Int64N(int64(d.horizon))))
		r.due = due.UnixMilli()
		runs = append(runs, r)
		claims = append(claims, contract.Claim{
			Fence: contract.Fence{ID: r.id, Token: rand.Int64()}, Job: r.job, Schedule: r.schedule, Trigger: cron.ByHand, Status: cron.Queued,
			Overlap: d.jobs[r.job].Policies.Overlap, Instance: "door", Lease: time.Minute, At: time.Now(), Args: raw, Key: r.key, NotBefore: due,
		})
	}
	again := d.chance.IntN(3) == 0
	for range 2 {
		got, err := d.door.Claim(ctx, claims)
		if d.failed("defer", err) {
			return
		}
		for i := range got {
			if !got[i].Won && claims[i].ID == runs[i].id || got[i].ID != runs[i].id {
				d.say("answered: the deferred run %s with the key %s is %+v", runs[i].id, runs[i].key, got[i])
			}
		}
		if !again {
			break
		}
		again = false
		for i := range claims { // another request with the same key
			claims[i].Fence = contract.Fence{ID: uuid.Must(uuid.NewV7()).String(), Token: rand.Int64()}
		}
	}
	if d.chance.IntN(8) == 0 {
		r := &runs[0]
		rec, err := d.door.Cancel(ctx, r.id, cron.ReasonRequested, "tenant")
		if !d.failed("cancel", err) {
			r.cancelling, r.cancelled = true, rec.Status == cron.Cancelled && rec.Attempt == 0
			d.count["cancel"]++
		}
	}
	d.count["defer"] += len(runs)
	d.later = append(d.later, runs...)
}

// movedExpr is an expression of a schedule for a process whose clock is ahead by a number of seconds.
func movedExpr(expr string, by time.Duration) string {
	if at, is := strings.CutPrefix(expr, instantPrefix); is {
		t, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			panic(err)
		}
		return instantPrefix + t.Add(by).Format(time.RFC3339Nano)
	}
	var from, every int
	if _, err := fmt.Sscanf(expr, secondsFormat, &from, &every); err != nil {
		panic(fmt.Sprintf("%q cannot be moved: %v", expr, err))
	}
	from = (from + int(by/time.Second)%every + every) % every
	return fmt.Sprintf(secondsFormat, from, every)
}
