package river_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	engine "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/river"
)

// hands is a worker that does as it is told.
type hands struct {
	do    func(context.Context, contract.Ticket) contract.Answer
	alive func(contract.Ticket) bool
}

func (h hands) Do(ctx context.Context, t contract.Ticket) contract.Answer { return h.do(ctx, t) }
func (h hands) Alive(_ context.Context, t contract.Ticket) bool           { return h.alive != nil && h.alive(t) }

// work works the queue until the test ends.
func work(t *testing.T, e contract.Executor, h hands) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := e.Work(ctx, h); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); ended.Wait() })
}

// tool is River's own client, as its UI and command use it.
func tool(t *testing.T, url string) (*engine.Client[pgx.Tx], *pgxpool.Pool) {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c, err := engine.NewClient(riverpgxv5.New(pool), &engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c, pool
}

func jobs(t *testing.T, c *engine.Client[pgx.Tx]) []*rivertype.JobRow {
	t.Helper()
	list, err := c.JobList(context.Background(), engine.NewJobListParams().First(100))
	if err != nil {
		t.Fatal(err)
	}
	return list.Jobs
}

// state waits until the only job is in one of these states.
func state(t *testing.T, c *engine.Client[pgx.Tx], want rivertype.JobState) *rivertype.JobRow {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		list := jobs(t, c)
		if len(list) == 1 && list[0].State == want {
			return list[0]
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("jobs are %+v, want one that is %s", list, want)
		}
	}
}

var ticket = contract.Ticket{Run: "0198-a", Job: "report.daily", Token: 1<<62 - 3, Attempt: 2}

func TestATicketIsOneJob(t *testing.T) {
	t.Parallel()
	url := database(t)
	e, ctx := connect(t, url), context.Background()
	later := ticket
	later.Attempt, later.NotBefore = 3, time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	for range 3 {
		if err := e.Enqueue(ctx, []contract.Ticket{ticket, later, ticket}); err != nil {
			t.Fatal(err)
		}
	}
	c, _ := tool(t, url)
	list := jobs(t, c)
	if len(list) != 2 {
		t.Fatalf("%d jobs, want 2", len(list))
	}
	now, then := list[0], list[1]
	var args map[string]any
	if err := json.Unmarshal(now.EncodedArgs, &args); err != nil {
		t.Fatal(err)
	}
	if args["run"] != "0198-a" || args["job"] != "report.daily" || args["token"] != "4611686018427387901" || args["attempt"] != 2.0 {
		t.Errorf("args are %v", args)
	}
	if now.Kind != river.Kind || now.Queue != river.Queue || now.MaxAttempts != 1 || now.State != rivertype.JobStateAvailable || strings.Join(now.Tags, " ") != "report_daily" {
		t.Errorf("the job is %+v", now)
	}
	if then.State != rivertype.JobStateScheduled || !then.ScheduledAt.Equal(later.NotBefore) {
		t.Errorf("%s, scheduled at %s, want %s", then.State, then.ScheduledAt, later.NotBefore)
	}
}

func TestWhatRiverSees(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome contract.Answer
		state   rivertype.JobState
		word    string // in its errors or its output
	}{
		"succeeded":   {contract.Answer{Status: cron.Succeeded}, rivertype.JobStateCompleted, "succeeded"},
		"retried":     {contract.Answer{Status: cron.Queued, Error: "not yet"}, rivertype.JobStateCompleted, "not yet"},
		"failed":      {contract.Answer{Status: cron.Failed, Error: "no disk"}, rivertype.JobStateDiscarded, "no disk"},
		"interrupted": {contract.Answer{Status: cron.Interrupted, Error: "gone"}, rivertype.JobStateDiscarded, "gone"},
		"cancelled":   {contract.Answer{Status: cron.Cancelled, Error: "by ann"}, rivertype.JobStateCancelled, "by ann"},
		"void":        {contract.Answer{}, rivertype.JobStateCompleted, `""`},
		"put back":    {contract.Answer{Again: time.Hour}, rivertype.JobStateScheduled, "snoozes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := database(t)
			e := connect(t, url)
			if err := e.Enqueue(context.Background(), []contract.Ticket{ticket}); err != nil {
				t.Fatal(err)
			}
			work(t, e, hands{do: func(_ context.Context, got contract.Ticket) contract.Answer {
				if got != ticket {
					t.Errorf("the ticket came as %+v", got)
				}
				return tt.outcome
			}})
			c, _ := tool(t, url)
			job := state(t, c, tt.state)
			text := string(job.Metadata)
			for _, e := range job.Errors {
				text += e.Error
			}
			if !strings.Contains(text, tt.word) {
				t.Errorf("%q is not in %s", tt.word, text)
			}
		})
	}
}

// A put-back ticket comes again, and one that has ended may be inserted again.
func TestTicketsComeAgain(t *testing.T) {
	t.Parallel()
	url := database(t)
	e, ctx := connect(t, url), context.Background()
	came := make(chan int, 10)
	n := 0
	if err := e.Enqueue(ctx, []contract.Ticket{ticket}); err != nil {
		t.Fatal(err)
	}
	work(t, e, hands{do: func(context.Context, contract.Ticket) contract.Answer {
		n++ // one at a time
		came <- n
		if n == 1 {
			return contract.Answer{Again: 10 * time.Millisecond}
		}
		return contract.Answer{}
	}})
	<-came
	<-came
	c, _ := tool(t, url)
	state(t, c, rivertype.JobStateCompleted)
	if err := e.Enqueue(ctx, []contract.Ticket{ticket}); err != nil {
		t.Fatal(err)
	}
	<-came
}

func TestCancelInRiverCancelsTheRun(t *testing.T) {
	t.Parallel()
	url := database(t)
	e, ctx := connect(t, url), context.Background()
	if err := e.Enqueue(ctx, []contract.Ticket{ticket}); err != nil {
		t.Fatal(err)
	}
	began := make(chan struct{})
	work(t, e, hands{do: func(ctx context.Context, _ contract.Ticket) contract.Answer {
		close(began)
		<-ctx.Done()
		return contract.Answer{Status: cron.Cancelled, Error: "cancelled by queue"}
	}})
	<-began
	c, _ := tool(t, url)
	if _, err := c.JobCancel(ctx, jobs(t, c)[0].ID); err != nil {
		t.Fatal(err)
	}
	state(t, c, rivertype.JobStateCancelled)
}

// What a dead worker has left is discarded; what goes on is left alone, however long it takes.
func TestRescue(t *testing.T) {
	t.Parallel()
	url := database(t)
	e, ctx := connect(t, url), context.Background()
	goesOn := ticket
	goesOn.Run = "0198-b"
	if err := e.Enqueue(ctx, []contract.Ticket{ticket, goesOn}); err != nil {
		t.Fatal(err)
	}
	c, pool := tool(t, url)
	if _, err := pool.Exec(ctx, "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '2 hours', attempted_by = ARRAY['dead']"); err != nil {
		t.Fatal(err)
	}
	work(t, e, hands{
		do: func(context.Context, contract.Ticket) contract.Answer {
			t.Error("a function is called again")
			return contract.Answer{}
		},
		alive: func(t contract.Ticket) bool { return t.Run == goesOn.Run },
	})
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		list := jobs(t, c)
		if list[0].State == rivertype.JobStateDiscarded {
			if list[1].State != rivertype.JobStateRunning {
				t.Errorf("what goes on is %s", list[1].State)
			}
			return
		}
		if time.Since(began) > 3*time.Minute {
			t.Fatalf("not rescued: %+v", list[0])
		}
	}
}

func TestProcessesThatStartTogetherMigrate(t *testing.T) {
	t.Parallel()
	url := database(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			e, err := river.Open(context.Background(), river.Options{URL: url})
			if err != nil {
				t.Error(err)
				return
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestNoSecretInErrors(t *testing.T) {
	for _, url := range []string{"postgres://me:hunter2@127.0.0.1:1/x?connect_timeout=1", "postgres://me:hunter2@%zz/x", "postgres://me:hunter2@h:port/x"} {
		_, err := river.Open(context.Background(), river.Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}
