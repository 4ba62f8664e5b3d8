package asynq_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	hibiken "github.com/hibiken/asynq"

	"fibercrons/app/asynq"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
)

// hands is a worker that does as it is told.
type hands func(context.Context, contract.Ticket) contract.Answer

func (h hands) Do(ctx context.Context, t contract.Ticket) contract.Answer { return h(ctx, t) }
func (hands) Alive(context.Context, contract.Ticket) bool                 { return true }

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

// tool is asynq's own inspector, as its UI and command use it.
func tool(t *testing.T, url string) *hibiken.Inspector {
	t.Helper()
	opt, err := hibiken.ParseRedisURI(url)
	if err != nil {
		t.Fatal(err)
	}
	i := hibiken.NewInspector(opt)
	t.Cleanup(func() { _ = i.Close() })
	return i
}

// tasks lists all tasks of a queue.
func tasks(t *testing.T, i *hibiken.Inspector, queue string) (all []*hibiken.TaskInfo) {
	t.Helper()
	for _, list := range []func(string, ...hibiken.ListOption) ([]*hibiken.TaskInfo, error){
		i.ListPendingTasks, i.ListScheduledTasks, i.ListActiveTasks, i.ListRetryTasks, i.ListCompletedTasks, i.ListArchivedTasks,
	} {
		some, err := list(queue)
		if err != nil && !errors.Is(err, hibiken.ErrQueueNotFound) {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

// state waits until the only task is in this state.
func state(t *testing.T, i *hibiken.Inspector, queue string, want hibiken.TaskState) *hibiken.TaskInfo {
	t.Helper()
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		list := tasks(t, i, queue)
		if len(list) == 1 && list[0].State == want {
			return list[0]
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("tasks are %+v, want one that is %s", list, want)
		}
	}
}

var ticket = contract.Ticket{Run: "0198-a", Job: "report.daily", Token: 1<<62 - 3, Attempt: 2}

func TestATicketIsOneTask(t *testing.T) {
	t.Parallel()
	url := server(t)
	name := queue(t, url)
	e, ctx := connect(t, url, name), context.Background()
	later := ticket
	later.Attempt, later.NotBefore = 3, time.Now().Add(time.Hour)
	for range 3 {
		if err := e.Enqueue(ctx, []contract.Ticket{ticket, later, ticket}); err != nil {
			t.Fatal(err)
		}
	}
	list := tasks(t, tool(t, url), name)
	if len(list) != 2 {
		t.Fatalf("%d tasks, want 2", len(list))
	}
	now, then := list[0], list[1]
	var args map[string]any
	if err := json.Unmarshal(now.Payload, &args); err != nil {
		t.Fatal(err)
	}
	if args["run"] != "0198-a" || args["job"] != "report.daily" || args["token"] != "4611686018427387901" || args["attempt"] != 2.0 {
		t.Errorf("the payload is %v", args)
	}
	if now.Type != asynq.Type || now.State != hibiken.TaskStatePending {
		t.Errorf("the task is %+v", now)
	}
	if then.State != hibiken.TaskStateScheduled || then.NextProcessAt.Sub(later.NotBefore).Abs() > time.Second {
		t.Errorf("%s, at %s, want %s", then.State, then.NextProcessAt, later.NotBefore)
	}
}

func TestWhatAsynqSees(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome contract.Answer
		state   hibiken.TaskState
		word    string // in its error or its result
	}{
		"succeeded": {contract.Answer{Status: cron.Succeeded}, hibiken.TaskStateCompleted, ""},
		"retried":   {contract.Answer{Status: cron.Queued, Error: "not yet"}, hibiken.TaskStateCompleted, "queued: not yet"},
		"failed":    {contract.Answer{Status: cron.Failed, Error: "no disk"}, hibiken.TaskStateArchived, "no disk"},
		"cancelled": {contract.Answer{Status: cron.Cancelled, Error: "by ann"}, hibiken.TaskStateCompleted, "by ann"},
		"void":      {contract.Answer{}, hibiken.TaskStateCompleted, "void"},
		"put back":  {contract.Answer{Again: time.Hour}, hibiken.TaskStateRetry, "put back for 1h"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := server(t)
			name := queue(t, url)
			e := connect(t, url, name)
			if err := e.Enqueue(context.Background(), []contract.Ticket{ticket}); err != nil {
				t.Fatal(err)
			}
			work(t, e, func(_ context.Context, got contract.Ticket) contract.Answer {
				if got != ticket {
					t.Errorf("the ticket came as %+v", got)
				}
				return tt.outcome
			})
			task := state(t, tool(t, url), name, tt.state)
			if text := task.LastErr + string(task.Result); !strings.Contains(text, tt.word) {
				t.Errorf("%q is not in %q", tt.word, text)
			}
			if task.Retried != 0 {
				t.Errorf("asynq counts %d retries", task.Retried)
			}
		})
	}
}

// A put-back ticket comes again, and so does one that asynq is done with and the run still waits for.
func TestTicketsComeAgain(t *testing.T) {
	t.Parallel()
	url := server(t)
	name := queue(t, url)
	e, ctx, i := connect(t, url, name), context.Background(), tool(t, url)
	came := make(chan int, 10)
	n := 0
	if err := e.Enqueue(ctx, []contract.Ticket{ticket}); err != nil {
		t.Fatal(err)
	}
	work(t, e, func(context.Context, contract.Ticket) contract.Answer {
		n++ // one at a time
		came <- n
		switch n {
		case 1:
			return contract.Answer{Again: 10 * time.Millisecond}
		case 2:
			return contract.Answer{}
		}
		return contract.Answer{Status: cron.Failed, Error: "oh"}
	})
	<-came
	<-came
	for _, s := range []hibiken.TaskState{hibiken.TaskStateCompleted, hibiken.TaskStateArchived, hibiken.TaskStateArchived} {
		state(t, i, name, s)
		if err := e.Enqueue(ctx, []contract.Ticket{ticket}); err != nil {
			t.Fatal(err)
		}
		<-came
	}
}

func TestCancelInAsynqCancelsTheRun(t *testing.T) {
	t.Parallel()
	url := server(t)
	name := queue(t, url)
	e, i := connect(t, url, name), tool(t, url)
	if err := e.Enqueue(context.Background(), []contract.Ticket{ticket}); err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan struct{})
	n := 0
	work(t, e, func(ctx context.Context, _ contract.Ticket) contract.Answer {
		if n++; n > 1 {
			return contract.Answer{} // asynq hands it out once more; the run has ended
		}
		close(began)
		<-ctx.Done()
		close(ended)
		return contract.Answer{Status: cron.Cancelled, Error: "cancelled by queue"}
	})
	<-began
	task := state(t, i, name, hibiken.TaskStateActive)
	for cancelled := false; !cancelled; { // its subscriber may not listen yet
		if err := i.CancelProcessing(task.ID); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ended:
			cancelled = true
		case <-time.After(500 * time.Millisecond):
		}
	}
	state(t, i, name, hibiken.TaskStateCompleted)
}

func TestURLs(t *testing.T) {
	for _, url := range []string{"redis://:hunter2@%zz", "http://:hunter2@h", "redis://:hunter2@h/jobs", "redis://", "redis://:hunter2@h?db=-1"} {
		_, err := asynq.Open(asynq.Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "REDIS_URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for _, url := range []string{"redis://cache", "redis://me:p@[::1]:6380/2", "rediss://:p@cache:6380?skip_verify=true", "unix://:p@/run/redis.sock?db=2"} {
		e, err := asynq.Open(asynq.Options{URL: url})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Redis away is an error that says so, and no secret of it.
func TestRedisAway(t *testing.T) {
	e, err := asynq.Open(asynq.Options{URL: "redis://:hunter2@127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	for what, err := range map[string]error{
		"enqueue": e.Enqueue(context.Background(), []contract.Ticket{ticket}),
		"work":    e.Work(context.Background(), hands(nil)),
	} {
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
