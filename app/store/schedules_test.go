package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// everyMinute puts a schedule with a slot each minute.
func everyMinute(id, job string) contract.PutSchedule {
	return contract.PutSchedule{
		Schedule: contract.Schedule{ID: id, Job: job, Expr: "* * * * *", Args: json.RawMessage(`{"tenant":42}`), Meta: map[string]string{"plan": "pro"}},
		After:    func(t time.Time) time.Time { return t.Truncate(time.Minute).Add(time.Minute) },
		At:       time.Now(),
	}
}

func laterClaim(job, key string) contract.Claim {
	return contract.Claim{
		Fence: contract.Fence{ID: uuid.Must(uuid.NewV7()).String(), Token: rand.Int64()}, Job: job, Trigger: cron.ByHand, Status: cron.Queued,
		Overlap: cron.Skip, Lease: time.Minute, At: time.Now(), NotBefore: time.Now().Add(time.Hour), Key: key,
	}
}

func count(t *testing.T, s *store.Store, table string) int {
	t.Helper()
	return len(testdb.Rows(t, s.Writes(), table, "id"))
}

// The changes in a transaction of the user's come and go with it.
func TestInTransaction(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		s, ctx := openURL(t, url), t.Context()
		broken := errors.New("broken")
		for name, end := range map[string]error{"rolled back": broken, "committed": nil} {
			err := s.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				in, err := s.In(tx)
				if err != nil {
					return err
				}
				got, err := in.PutSchedules(ctx, []contract.PutSchedule{everyMinute("x", "a"), everyMinute("y", "a"), everyMinute("x", "a")})
				if err != nil || got[0].Outcome != contract.PutCreated || got[1].Outcome != contract.PutCreated || got[2].Outcome != contract.PutUnchanged {
					return fmt.Errorf("put: %+v, %w", got, err)
				}
				if got, err := in.PauseSchedule(ctx, contract.PauseSchedule{ID: "x", At: time.Now(), After: everyMinute("x", "a").After}); err != nil || got.Outcome != contract.PutChanged || !got.After.Next.IsZero() {
					return fmt.Errorf("pause: %+v, %w", got, err)
				}
				if _, err := in.DeleteSchedule(ctx, "y", 0); err != nil {
					return err
				}
				if _, err := in.DeleteSchedule(ctx, "y", 0); !errors.Is(err, cron.ErrNotFound) {
					return fmt.Errorf("deleted twice: %w", err)
				}
				for i, won := range []bool{true, false} {
					if got, err := in.Defer(ctx, laterClaim("a", "invoice-17")); err != nil || got.Won != won {
						return fmt.Errorf("defer %d: %+v, %w", i, got, err)
					}
				}
				if _, err := in.Defer(ctx, claimOf("a", 1)); err == nil {
					return errors.New("a slot was deferred")
				}
				if err := in.Audit(ctx, contract.AuditEntry{At: time.Now(), Actor: "ann", Action: "put", Target: "x"}); err != nil {
					return err
				}
				return end
			})
			if !errors.Is(err, end) {
				t.Fatalf("%s: %v", name, err)
			}
			want := 1
			if end != nil {
				want = 0
			}
			for _, table := range []string{"job_schedules", "job_runs", "job_audit"} {
				if n := count(t, s, table); n != want && name == "rolled back" {
					t.Errorf("%s: %d rows of %s, want %d", name, n, table, want)
				}
			}
			_, err = s.DeleteSchedule(ctx, "x", 0)
			if end != nil && !errors.Is(err, cron.ErrNotFound) || end == nil && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, table := range []string{"job_runs", "job_audit"} {
				if err := s.Exec("DELETE FROM " + table); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestInNeedsTheTransactionOfThisDatabase(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		s, other := openURL(t, url), openURL(t, testdb.URL(t, kind))
		if _, err := s.In(nil); err == nil {
			t.Error("nothing was taken")
		}
		if _, err := s.In(s.DB()); err == nil || !strings.Contains(err.Error(), "app.DB(ctx).Transaction") {
			t.Errorf("no transaction: %v", err)
		}
		err := other.DB().Transaction(func(tx *gorm.DB) error {
			_, err := s.In(tx)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "is not the database of this transaction") {
			t.Errorf("another database: %v", err)
		}
		if kind == "SQLite" {
			return
		}
		again := openURL(t, url)
		err = again.DB().Transaction(func(tx *gorm.DB) error {
			_, err := s.In(tx)
			return err
		})
		if err != nil {
			t.Errorf("the same database by another handle: %v", err)
		}
	})
}

// Of two transactions that defer a run with the same key, one does.
func TestDeferredOnceByKey(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s, ctx := openURL(t, k.URL(t)), t.Context()
		first, won := make(chan struct{}), make(chan bool, 2)
		one := func(before, after func()) {
			err := s.DB().Transaction(func(tx *gorm.DB) error {
				in, err := s.In(tx)
				if err != nil {
					return err
				}
				tx.Exec("SELECT 1") // the transaction has begun
				before()
				got, err := in.Defer(ctx, laterClaim("a", "invoice-17"))
				won <- got.Won
				after()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			one(func() { <-first }, func() {})
		}()
		one(func() {}, func() { close(first); time.Sleep(50 * time.Millisecond) })
		<-done
		if a, b := <-won, <-won; a == b {
			t.Errorf("won %v and %v", a, b)
		}
	})
}

// A process of an older release does not know the new columns.
func TestOldReleaseGoesOn(t *testing.T) {
	testdb.OnAll(t, func(t *testing.T, kind, url string) {
		s := openURL(t, url)
		insert := "INSERT INTO job_runs (id, job, slot, token, status, triggered_by, queued_at) VALUES ('%s', 'a', 1000, 1, 'queued', 'schedule', 1)"
		if err := s.Exec(fmt.Sprintf(insert, "1")); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(fmt.Sprintf(insert, "2")); err == nil {
			t.Error("a slot has two rows")
		}
		// It takes a deferred run, and dies.
		c := laterClaim("b", "")
		c.NotBefore = time.Now().Add(-time.Second)
		if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec("UPDATE job_runs SET instance = 'old', token = 5, next_at = NULL WHERE job = 'b'"); err != nil {
			t.Fatal(err)
		}
		if due, err := s.DueRuns(t.Context(), time.Now(), nil, 10); err != nil || len(due) != 0 {
			t.Errorf("due %+v, %v", due, err)
		}
		late, err := s.Expired(t.Context(), 10)
		if err != nil || len(late) != 2 || late[1].ID != c.ID || late[1].Deferred {
			t.Errorf("expired %+v, %v", late, err)
		}
	})
}
