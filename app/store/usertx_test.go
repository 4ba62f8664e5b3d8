package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
	"fibercrons/app/store"
)

// logged is a log that several goroutines write.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func openWith(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
		t.Fatal(err)
	}
	return s
}

func mine(t *testing.T, s *store.Store) (n int64) {
	t.Helper()
	if err := s.DB().Table("mine").Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// below returns the place n lines below its call, as the store names it.
func below(n int) string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("store/usertx_test.go:%d", line+n)
}

// A job that keeps a transaction open holds up all others. It is named and ended, and no slot is lost.
func TestATransactionThatHoldsUpTheJobsIsEnded(t *testing.T) {
	var log logged
	s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: 500 * time.Millisecond, Logger: log.logger()})
	r := cron.NewRegistry()
	held := make(chan error, 1)
	var run, at string
	r.Register("holds", "@yearly", func(ctx context.Context) error {
		run = cron.RunFrom(ctx).ID()
		at = below(1)
		err := s.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			if err := tx.Exec("INSERT INTO mine VALUES (1)").Error; err != nil {
				return err
			}
			for tx.Exec("INSERT INTO mine VALUES (2)").Error == nil {
				select { // as if it waited for a network
				case <-time.After(50 * time.Millisecond):
				case <-t.Context().Done():
					return t.Context().Err()
				}
			}
			return tx.Exec("INSERT INTO mine VALUES (3)").Error
		})
		held <- err
		return err
	})
	r.Register("ticks", "@every 100ms", func(context.Context) error { return nil }, cron.Overlap(cron.Allow), cron.CatchUp(cron.All), cron.Keep(0, 0))
	jobs, err := r.Jobs(cron.Defaults{CatchUpWindow: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	sched := scheduler.New(scheduler.Config{Store: s, Jobs: jobs, Log: log.logger(), Grace: 10 * time.Second})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- sched.Run(ctx) }()
	rec, err := sched.Trigger(ctx, "holds", scheduler.Request{})
	if err != nil {
		t.Fatal(err)
	}
	err = <-held
	if want := fmt.Sprintf(`a transaction of job "holds" (run %s, %s) was rolled back: it had held`, run, at); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("the transaction ends with %v, want %s", err, want)
	}
	if rec, err = sched.Await(ctx, rec.ID); err != nil || rec.Status != cron.Failed || !strings.Contains(rec.Error, "every job waited for it") {
		t.Errorf("its run is %s: %s, %v", rec.Status, rec.Error, err)
	}
	ticks := ticksUntil(t, s, time.Now()) // those that had to wait are among them
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"holds the database's write lock, and every job waits", "was ended: it held the database's write lock for too long"} {
		if n := strings.Count(log.String(), want); n != 1 || !strings.Contains(log.String(), want+`, and every job waited for it" job=holds run=`+run) && !strings.Contains(log.String(), want+` for it" job=holds run=`+run) {
			t.Errorf("%d lines say that it %s of run %s:\n%s", n, want, run, log.String())
		}
	}
	if strings.Contains(log.String(), "another program") {
		t.Errorf("another is blamed:\n%s", log.String())
	}
	if n := mine(t, s); n != 0 {
		t.Errorf("%d rows of it are there", n)
	}
	for i, rec := range ticks {
		if rec.Status != cron.Succeeded || i > 0 && rec.Slot.Sub(*ticks[i-1].Slot) != 100*time.Millisecond {
			t.Errorf("slot %d, %s, is %s %s", i, rec.Slot, rec.Status, rec.Reason)
		}
	}
}

// ticksUntil waits for the run of a slot after the instant, and returns those of the slots before it, which have ended.
func ticksUntil(t *testing.T, s *store.Store, at time.Time) []cron.Record {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		all, err := s.Runs(t.Context(), contract.Query{Job: "ticks", Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(all, func(a, b cron.Record) int { return a.Slot.Compare(*b.Slot) })
		n := slices.IndexFunc(all, func(r cron.Record) bool { return r.Slot.After(at) })
		if n > 0 && !slices.ContainsFunc(all[:n], func(r cron.Record) bool { return r.Status == cron.Queued || r.Status == cron.Running }) {
			return all[:n]
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d slots until %s, of which one has not ended: %+v", n, len(all), at, all)
		}
	}
}

// Outside of a run it is named by the line that began it, and whatever it does next says why it was ended.
func TestWhatIsDoneInAnEndedTransactionSaysWhy(t *testing.T) {
	var log logged
	s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: time.Millisecond, RetryFor: time.Minute, Logger: log.logger()})
	for name, act := range map[string]func(tx *gorm.DB) error{
		"exec":  func(tx *gorm.DB) error { return tx.Exec("INSERT INTO mine VALUES (2)").Error },
		"query": func(tx *gorm.DB) error { return tx.Find(&[]struct{ N int }{}).Table("mine").Error },
		"in another context": func(tx *gorm.DB) error {
			return tx.WithContext(context.Background()).Exec("INSERT INTO mine VALUES (2)").Error
		},
		"nested": func(tx *gorm.DB) error {
			return tx.Transaction(func(tx *gorm.DB) error { return tx.Exec("INSERT INTO mine VALUES (2)").Error })
		},
		"commit": func(tx *gorm.DB) error { return tx.Commit().Error },
	} {
		t.Run(name, func(t *testing.T) {
			at := below(1)
			tx := s.DB().WithContext(t.Context()).Begin()
			if err := tx.Table("mine").Exec("INSERT INTO mine VALUES (1)").Error; err != nil {
				t.Fatal(err)
			}
			c := claimOf("a", 1)
			if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil { // waits until it is ended
				t.Fatal(err)
			}
			err := act(tx.Table("mine"))
			if err == nil || !strings.Contains(err.Error(), "a transaction that "+at+" began was rolled back") {
				t.Errorf("%v, want what was begun at %s", err, at)
			}
			if err := tx.Rollback().Error; err != nil && name != "commit" {
				t.Errorf("rollback: %v", err)
			}
			if n := mine(t, s); n != 0 {
				t.Errorf("%d rows of it are there", n)
			}
		})
	}
}

// A statement that computes for long within the transaction is broken off, whatever its context.
func TestALongStatementInATransactionIsBrokenOff(t *testing.T) {
	s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: time.Millisecond, RetryFor: time.Minute})
	const forever = "INSERT INTO mine WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT max(n) FROM c"
	for _, ctx := range []context.Context{t.Context(), context.Background()} {
		tx := s.DB().WithContext(t.Context()).Begin()
		done := make(chan error, 1)
		go func() { done <- tx.WithContext(ctx).Exec(forever).Error }()
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil || !strings.Contains(err.Error(), "was rolled back") {
			t.Error(err)
		}
		tx.Rollback()
	}
}

// Nobody waits: it may take as long as it likes. Others' names are told to those that wait in vain.
func TestTransactionsThatAreNotEnded(t *testing.T) {
	t.Run("nobody waits", func(t *testing.T) {
		s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: time.Nanosecond})
		err := s.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
			time.Sleep(10 * time.Millisecond) // it is older than it may be
			return tx.Exec("INSERT INTO mine VALUES (1)").Error
		})
		if err != nil || mine(t, s) != 1 {
			t.Error(err)
		}
	})
	t.Run("within its time", func(t *testing.T) {
		s := openWith(t, store.Options{URL: "sqlite://" + file(t), RetryFor: 50 * time.Millisecond})
		tx := s.DB().WithContext(t.Context()).Begin()
		at := below(-1)
		_, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)})
		if err == nil || !strings.Contains(err.Error(), "is locked by a transaction that "+at+" began, since ") {
			t.Errorf("claim: %v", err)
		}
		if err := tx.Exec("INSERT INTO mine VALUES (1)").Commit().Error; err != nil || mine(t, s) != 1 {
			t.Error(err)
		}
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil {
			t.Error(err)
		}
	})
	t.Run("it only reads", func(t *testing.T) {
		s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: time.Nanosecond, RetryFor: 50 * time.Millisecond})
		err := s.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
			n := int64(0)
			_, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)})
			return errors.Join(err, tx.Table("mine").Count(&n).Error)
		}, &sql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Error(err)
		}
	})
	t.Run("of package sql", func(t *testing.T) {
		s := openWith(t, store.Options{URL: "sqlite://" + file(t), HoldFor: time.Nanosecond, RetryFor: 50 * time.Millisecond})
		db, err := s.DB().DB()
		if err != nil {
			t.Fatal(err)
		}
		tx, err := db.BeginTx(t.Context(), nil)
		at := below(-1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("claim: %v", err)
		}
		if err := tx.Commit(); err != nil {
			t.Error(err)
		}
	})
}
