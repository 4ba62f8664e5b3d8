//go:build unix

package alert_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
)

// The test of crashes starts this binary again, as a server whose jobs fail.
const lifeVariable = "ALERT_LIFE"

type life struct {
	File, Hook string
	Jobs       int
	From, To   int // which of them run, once
}

func init() {
	text := os.Getenv(lifeVariable)
	if text == "" {
		return
	}
	var l life
	err := json.Unmarshal([]byte(text), &l)
	if err == nil {
		err = l.lead()
	}
	fmt.Fprintln(os.Stderr, "fatal error:", err)
	os.Exit(1)
}

// lead goes on until it is killed.
func (l life) lead() error {
	r := cron.NewRegistry()
	for i := range l.Jobs {
		r.Register("job-"+strconv.Itoa(i), "@yearly", func(context.Context) error { return errJob })
	}
	jobs, err := r.Jobs(cron.Defaults{Alerts: failing})
	if err != nil {
		return err
	}
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + l.File, RetryFor: time.Minute})
	if err != nil {
		return err
	}
	c, err := alert.Webhook(l.Hook, secret, &http.Client{Timeout: 5 * time.Second})
	if err != nil {
		return err
	}
	a := alert.New(alert.Options{
		Store: s, Jobs: jobs, Channels: []alert.Channel{c}, Log: slog.New(slog.DiscardHandler),
		Every: 20 * time.Millisecond, Quiet: 20 * time.Millisecond, Longest: 40 * time.Millisecond, PerMinute: 10_000, Lease: time.Second,
	})
	sched := scheduler.New(scheduler.Config{Store: s, Jobs: jobs, Log: slog.New(slog.DiscardHandler), Observe: a.Observe, Lease: time.Second})
	go a.Run(context.Background())
	go func() {
		if err := sched.Run(context.Background()); err != nil { // it settles what crashed, too
			panic(err)
		}
	}()
	for i := l.From; i < l.To; i++ {
		_, err := sched.Trigger(context.Background(), "job-"+strconv.Itoa(i), scheduler.Request{Key: "once"})
		for errors.Is(err, context.DeadlineExceeded) { // the machine is busy; the key makes it once
			_, err = sched.Trigger(context.Background(), "job-"+strconv.Itoa(i), scheduler.Request{Key: "once"})
		}
		if err != nil {
			return err
		}
	}
	select {}
}

func (l life) start(t *testing.T) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env, cmd.Stderr = append(os.Environ(), lifeVariable+"="+string(text)), os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

func kill(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	_ = cmd.Process.Kill()
	err := cmd.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("the process ended by itself: %v", err)
	}
}

// Processes are killed at any moment between a failure's commit and the record of its delivery. In
// the end the receiver has been told of every failure, and of none under two IDs.
func TestKill(t *testing.T) {
	const each = 4
	rounds := 20
	if testing.Short() {
		rounds = 5
	}
	jobs := rounds * each
	server := receive(t)
	server.set("", 30*time.Millisecond) // so that it happens in the middle of it, too
	l := life{File: file(t), Hook: server.URL, Jobs: jobs}
	for i := range rounds {
		l.From, l.To = i*each, (i+1)*each
		cmd := l.start(t)
		// Long enough to begin with, and each time at another point.
		waitFor(t, func() bool { _, err := os.Stat(l.File); return err == nil })
		time.Sleep(time.Duration(30+37*i%400) * time.Millisecond)
		kill(t, cmd)
	}
	// What a last one does is not broken off.
	l.From, l.To = 0, jobs
	last := l.start(t)
	defer kill(t, last)
	l.To = 0
	second := l.start(t)
	defer kill(t, second)

	s := open(t, l.File)
	defer s.Close()
	a := alert.New(alert.Options{Store: s})
	waitFor(t, func() bool {
		_, sent, err := a.Alerts(t.Context(), alert.Query{Status: alert.Sent})
		return err == nil && sent == jobs
	})
	list, total, err := a.Alerts(t.Context(), alert.Query{Limit: 1000})
	if err != nil || total != jobs {
		t.Fatalf("%d alerts, want %d, error %v", total, jobs, err)
	}
	told := map[string]string{} // alert -> delivery
	again := 0
	seen := map[string]bool{}
	for _, r := range server.requests() {
		var p alert.Payload
		if err := json.Unmarshal(r.body, &p); err != nil {
			t.Fatal(err)
		}
		id := r.header.Get(alert.HeaderDelivery)
		if seen[id] {
			again++
		}
		seen[id] = true
		for _, one := range p.Alerts {
			if before := told[one.ID]; before != "" && before != id {
				t.Errorf("alert %s came under %s and %s", one.ID, before, id)
			}
			told[one.ID] = id
		}
	}
	listed := 0
	for _, one := range list {
		if told[one.ID] != "" {
			listed++
		}
		if len(one.Deliveries) != 1 || !seen[one.Deliveries[0].ID] {
			t.Errorf("alert %+v is said to be sent, and the receiver knows nothing of it", one)
		}
	}
	t.Logf("%d alerts in %d deliveries, %d of them made again, %d alerts listed", total, len(seen), again, listed)
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that within two minutes")
		}
	}
}
