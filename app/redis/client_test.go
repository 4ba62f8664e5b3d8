package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/redis"
)

func TestOpenTellsNothingOfTheURL(t *testing.T) {
	for _, url := range []string{"", "redis://:hunter2@[::1", "http://:hunter2@cache", "redis://:hunter2@cache/x", "redis://cache?hunter2=1", "redis://:hunter2%@cache"} {
		_, err := redis.Open(redis.Options{URL: url})
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "REDIS_URL") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

// What the configuration lets through can be opened.
func TestOpen(t *testing.T) {
	for _, url := range []string{"redis://cache", "redis://cache/", "redis://me:p%40ss@[::1]:6380/2", "redis://cache?db=3", "rediss://:p@cache:6380?skip_verify=true", "unix://:p@/run/redis.sock?db=2"} {
		c, err := redis.Open(redis.Options{URL: url})
		if err != nil {
			t.Errorf("%q: %v", url, err)
			continue
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Of many who ask for a slot at the same time one is admitted, and stays so.
func TestOneIsAdmitted(t *testing.T) {
	o := given(t)
	var asked []contract.SlotRequest
	for i := range 200 {
		asked = append(asked, contract.SlotRequest{Job: fmt.Sprintf("job-%d", i%10), Slot: time.UnixMilli(int64(i)), Keep: time.Minute})
	}
	var winners [200]atomic.Int64
	var wg sync.WaitGroup
	for range 5 {
		c := open(t, o)
		wg.Go(func() {
			first, err := c.Admit(t.Context(), asked)
			again, err2 := c.Admit(t.Context(), asked)
			if err := errors.Join(err, err2); err != nil {
				t.Error(err)
				return
			}
			for i := range asked {
				if first[i] {
					winners[i].Add(1)
				}
				if first[i] != again[i] {
					t.Errorf("ticket %d: %v, and asked again %v", i, first[i], again[i])
				}
			}
		})
	}
	wg.Wait()
	for i := range winners {
		if n := winners[i].Load(); n != 1 {
			t.Errorf("ticket %d has %d winners", i, n)
		}
	}
	raw := talk(t, o.URL)
	if left := raw.PTTL(t.Context(), o.Prefix+":slot:job-3:3").Val(); left <= 0 || left > time.Minute {
		t.Errorf("a ticket is kept for %s", left)
	}
}

// The processes of one database are one to the gate.
func TestADatabaseIsAdmitted(t *testing.T) {
	o := given(t)
	client := func(database string) *redis.Client {
		o.Database = database
		return open(t, o)
	}
	one, same, other := client("one"), client("one"), client("other")
	ticket := []contract.SlotRequest{{Job: "job", Slot: time.UnixMilli(1000), Keep: time.Hour}}
	for _, test := range []struct {
		name   string
		client *redis.Client
		want   bool
	}{{"first", one, true}, {"same database", same, true}, {"another", other, false}} {
		got, err := test.client.Admit(t.Context(), ticket)
		if err != nil || got[0] != test.want {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
	}
	if p := one.Peers(); !p.Separate || p.Limits == nil {
		t.Errorf("%+v", p)
	}
	o.Database = ""
	if p := open(t, o).Peers(); p.Separate || p.Limits != nil {
		t.Errorf("%+v of a shared database", p)
	}
}

func TestPlaces(t *testing.T) {
	o := given(t)
	o.Database = "one"
	a := open(t, o)
	o.Database = "other"
	b := open(t, o)
	place := func(run string) contract.Place { return contract.Place{Group: "group", Run: run, Lease: time.Hour} }
	enter := func(c *redis.Client, run string, want bool) {
		t.Helper()
		if got, err := c.Enter(t.Context(), place(run), 2); err != nil || got != want {
			t.Errorf("%s: %v, %v", run, got, err)
		}
	}
	enter(a, "one", true)
	enter(b, "two", true)
	enter(a, "three", false)
	enter(a, "one", true) // has it
	if err := b.Leave(t.Context(), place("two")); err != nil {
		t.Error(err)
	}
	enter(a, "three", true)
	enter(b, "two", false)

	// A lost place is taken again, and others wait until it is free.
	raw := talk(t, o.URL)
	raw.Del(t.Context(), o.Prefix+":limit:group")
	if err := a.Renew(t.Context(), []contract.Place{place("one"), place("three")}); err != nil {
		t.Error(err)
	}
	enter(b, "two", false)

	// What nobody renews ends.
	short := contract.Place{Group: "short", Run: "one", Lease: 50 * time.Millisecond}
	if ok, err := a.Enter(t.Context(), short, 1); !ok || err != nil {
		t.Error(ok, err)
	}
	until(t, "the lease has ended", func() bool {
		ok, err := b.Enter(t.Context(), contract.Place{Group: "short", Run: "two", Lease: time.Hour}, 1)
		return err == nil && ok
	})
	if left := raw.PTTL(t.Context(), o.Prefix+":limit:short").Val(); left < 50*time.Minute {
		t.Errorf("the group lives for %s", left)
	}
}

// Others are nudged, the sender is not, and a flood becomes a few.
func TestNudges(t *testing.T) {
	o := given(t)
	a, b := open(t, o), open(t, o)
	until(t, "b hears a", func() bool {
		a.Notify()
		select {
		case <-b.Notified():
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	})
	select {
	case <-a.Notified():
		t.Error("a hears itself")
	default:
	}

	raw := talk(t, o.URL)
	sub := raw.Subscribe(t.Context(), o.Prefix+":nudge:")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	heard := sub.Channel()
	began, n := time.Now(), 0
	for time.Since(began) < 500*time.Millisecond {
		a.Notify()
	}
	<-heard // however long that takes
	n++
	for last := time.After(200 * time.Millisecond); last != nil; {
		select {
		case <-heard:
			n++
		case <-last:
			last = nil
		}
	}
	if most := int(time.Since(began)/(50*time.Millisecond)) + 2; n > most {
		t.Errorf("%d messages in %s", n, time.Since(began))
	}
}

// Redis lost, and back: an error, then no waiting, and two lines in the log.
func TestBreaker(t *testing.T) {
	s, log := ownServer(t), new(journal)
	c := open(t, redis.Options{URL: s.url(), Log: log.log()})
	ticket := []contract.SlotRequest{{Job: "job", Slot: time.UnixMilli(1000), Keep: time.Hour}}
	admit := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := c.Admit(ctx, ticket)
		return err
	}
	if err := errors.Join(admit(), c.Err()); err != nil {
		t.Fatal(err)
	}
	for name, fault := range map[string]struct{ lose, back func() }{
		"killed": {s.kill, s.start},
		"paused": {func() { s.signal(syscall.SIGSTOP) }, func() { s.signal(syscall.SIGCONT) }},
	} {
		lost, back := log.count("redis is lost"), log.count("redis is back")
		fault.lose()
		if err := admit(); err == nil {
			t.Errorf("%s: admitted", name)
		}
		for range 1000 {
			if err := admit(); err == nil {
				t.Fatalf("%s: admitted", name)
			}
		}
		if c.Err() == nil || log.count("redis is lost") != lost+1 {
			t.Errorf("%s: %v\n%s", name, c.Err(), log)
		}
		fault.back()
		until(t, name+" is over", func() bool { return c.Err() == nil })
		if err := admit(); err != nil {
			t.Errorf("%s, and back: %v", name, err)
		}
		if log.count("redis is back") < back+1 {
			t.Errorf("%s: %s", name, log)
		}
	}
	if strings.Count(log.String(), "\n") > 12 {
		t.Errorf("it talks much:\n%s", log)
	}
}

// An answer that was given before the server was lost does not say that it is back.
func TestAnswerFromBefore(t *testing.T) {
	probed, answer := make(chan struct{}), make(chan struct{})
	url := speaking(t, func(command []string) string {
		switch name := strings.ToLower(command[0]); {
		case name == "evalsha" && strings.Contains(strings.Join(command, " "), ":probe:"):
			select {
			case probed <- struct{}{}:
				<-answer
			case <-t.Context().Done():
			}
			return "*1\r\n:1\r\n"
		case name == "evalsha":
			return "-LOADING it does not know yet\r\n"
		case name == "hello":
			return "-ERR unknown command\r\n"
		}
		return "+OK\r\n"
	})
	log := new(journal)
	c := open(t, redis.Options{URL: url, Log: log.log()})
	<-probed
	if _, err := c.Admit(t.Context(), []contract.SlotRequest{{Job: "job", Slot: time.UnixMilli(1000), Keep: time.Hour}}); err == nil {
		t.Fatal("admitted")
	}
	answer <- struct{}{}
	<-probed // so the answer was heard
	if c.Err() == nil || log.count("redis is back") != 0 {
		t.Errorf("%v\n%s", c.Err(), log)
	}
	answer <- struct{}{}
	var asked sync.WaitGroup
	asked.Go(func() { // whatever it asks until the end
		for {
			select {
			case <-probed:
				answer <- struct{}{}
			case <-t.Context().Done():
				return
			}
		}
	})
	t.Cleanup(asked.Wait)
	until(t, "it is back", func() bool { return c.Err() == nil })
}

// A start does not wait for a Redis that is not there, and its end is not held up either.
func TestStartWithoutRedis(t *testing.T) {
	s, log := ownServer(t), new(journal)
	s.kill()
	c := open(t, redis.Options{URL: s.url(), Log: log.log()})
	until(t, "it is missed", func() bool { return c.Err() != nil })
	s.start()
	until(t, "it is found", func() bool { return c.Err() == nil })
	if log.count("redis is lost") != 1 || log.count("redis is back") != 1 {
		t.Error(log)
	}
}

// A server that answers PING and nothing that matters counts as lost, and is not forever found again.
func TestServerThatRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		user string
	}{
		"wrong password": {[]string{"--requirepass", "right"}, ":hunter2@"},
		"no memory":      {[]string{"--maxmemory", "1"}, ""},
		"read-only":      {[]string{"--replicaof", "127.0.0.1 1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, log := ownServer(t, test.args...), new(journal)
			c := open(t, redis.Options{URL: strings.Replace(s.url(), "://", "://"+test.user, 1), Log: log.log(), Database: "one"})
			until(t, "it is refused", func() bool { return c.Err() != nil })
			_, err := c.Admit(t.Context(), []contract.SlotRequest{{Job: "job", Slot: time.UnixMilli(1000), Keep: time.Hour}})
			if text := fmt.Sprint(err, c.Err(), log); err == nil || strings.Contains(text, "hunter2") {
				t.Error(text)
			}
			if log.count("redis is lost") != 1 || log.count("redis is back") != 0 {
				t.Error(log)
			}
			t.Log(err)
		})
	}
}

func TestEvictionIsWarnedOf(t *testing.T) {
	for policy, want := range map[string]int{"noeviction": 0, "allkeys-lru": 1} {
		for _, database := range []string{"", "one"} {
			t.Run(policy+" "+database, func(t *testing.T) {
				t.Parallel()
				s, log := ownServer(t, "--maxmemory-policy", policy), new(journal)
				c := open(t, redis.Options{URL: s.url(), Log: log.log(), Database: database})
				raw := talk(t, s.url())
				until(t, "it has been looked at twice", func() bool {
					_, rest, _ := strings.Cut(raw.Info(t.Context(), "commandstats").Val(), "cmdstat_evalsha:calls=")
					calls, _, _ := strings.Cut(rest, ",")
					n, _ := strconv.Atoi(calls)
					return n > 1
				})
				if n := log.count("maxmemory-policy=" + policy); n != want && database != "" || n != 0 && database == "" {
					t.Errorf("%s with database %q: %s", policy, database, log)
				}
				if err := c.Err(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
