package store_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

func TestServerReadOnly(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		ctx, url := t.Context(), k.URL(t)
		readOnly := func() *store.Store {
			t.Helper()
			s, err := store.Open(ctx, store.Options{URL: url, ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
		s := readOnly()
		if st, err := s.States(ctx); err != nil || len(st) != 0 || !s.Absent() {
			t.Errorf("before there are tables: %v, %v, absent %v", st, err, s.Absent())
		}
		look, err := store.Open(ctx, store.Options{URL: url, ReadOnly: true, NoMigrate: true})
		if err != nil {
			t.Fatal(err)
		}
		if have, want, err := look.Version(ctx); have != 0 || want == 0 || err != nil {
			t.Errorf("version %d of %d, %v", have, want, err)
		}
		look.Close()
		w := openURL(t, url)
		if _, err := w.Claim(ctx, []contract.Claim{claimOf("a", 1)}); err != nil {
			t.Fatal(err)
		}
		s = readOnly()
		if runs, err := s.Runs(ctx, contract.Query{}); err != nil || len(runs) != 1 || s.Absent() {
			t.Errorf("runs %v, %v", runs, err)
		}
		if _, err := s.Summarize(ctx, contract.Position{}, 10); err != nil {
			t.Error(err)
		}
		if _, err := s.Claim(ctx, []contract.Claim{claimOf("a", 2)}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("claim: %v", err)
		}
		if err := s.DB().Exec("CREATE TABLE mine (n INTEGER)").Error; err == nil {
			t.Error("a table was created")
		}
	})
}

// What the user says about his connections reaches them, and changes nothing of ours.
func TestServerOptionsOfTheUser(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		odd := testdb.Altered(t, k.URL(t), func(u *url.URL) {
			q := u.Query()
			if k.Name == "MySQL" {
				q.Set("loc", "Asia/Tokyo")
				q.Set("parseTime", "false")
				q.Set("multiStatements", "true")
				q.Set("charset", "latin1")
				q.Set("sql_mode", "'ANSI,PAD_CHAR_TO_FULL_LENGTH'")
				q.Set("time_zone", "'-11:00'")
			} else {
				q.Set("timezone", "Asia/Tokyo")
				q.Set("default_transaction_isolation", "serializable")
				q.Set("application_name", "mine")
			}
			u.RawQuery = q.Encode()
		})
		s, other := openURL(t, odd), openURL(t, odd)
		before := time.Now()
		for i, s := range []*store.Store{s, other} {
			c := claimOf("jöb", i+1)
			c.Lease = time.Hour
			if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
				t.Fatal(got, err)
			}
		}
		var until int64
		if err := s.Writes().QueryRow("SELECT MAX(lease_until) FROM job_runs WHERE job = 'jöb'").Scan(&until); err != nil {
			t.Fatal(err)
		}
		if off := time.UnixMilli(until).Sub(before.Add(time.Hour)); off.Abs() > time.Minute {
			t.Errorf("a lease is off by %s", off)
		}
		var zone string
		query := "SELECT current_setting('timezone')"
		if k.Name == "MySQL" {
			query = "SELECT @@time_zone"
		}
		if err := s.DB().Raw(query).Scan(&zone).Error; err != nil || (zone != "Asia/Tokyo" && zone != "-11:00") {
			t.Errorf("the user's zone is %q, %v", zone, err)
		}
	})
}

// Texts that a database may refuse, or that do not fit, keep no run from ending.
func TestServerKeepsWhateverIsLogged(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s, ctx := openURL(t, k.URL(t)), t.Context()
		nasty := "zero \x00 broken \xff\xfe emoji 🙂 quote ' \\ ? $1 :name %s"
		for i, status := range []cron.Status{cron.Succeeded, cron.Failed, cron.Queued} {
			c := claimOf("a", i+1)
			c.Actor = nasty
			if got, err := s.Claim(ctx, []contract.Claim{c}); err != nil || !got[0].Won {
				t.Fatal(got, err)
			}
			if err := s.Note(ctx, []contract.Note{{Fence: c.Fence, Progress: &cron.Progress{Done: 1, Text: nasty}}}); err != nil {
				t.Fatal(err)
			}
			lines := []cron.LogLine{
				{Seq: 1, Time: c.At, Level: nasty + strings.Repeat("x", 1000), Message: nasty, Attrs: []byte(`{"a":"\u0000"}`)},
				{Seq: 2, Time: c.At, Level: "INFO", Message: strings.Repeat("long ", 100_000)},
			}
			err := s.Finish(ctx, contract.Finish{
				Fence: c.Fence, Job: "a", Status: status, Error: nasty, Stack: strings.Repeat(nasty, 3000), Result: []byte(`"\u0000"`),
				Started: c.At, At: c.At, Lines: lines, Attempts: []cron.Attempt{{Number: 1, Error: nasty}},
			})
			if err != nil {
				t.Fatalf("%s: %v", status, err)
			}
			rec, err := s.Run(ctx, c.ID)
			if err != nil || rec.Status != status || !strings.Contains(rec.Error, "🙂 quote ' \\ ? $1 :name %s") || strings.Contains(rec.Error, "\x00") {
				t.Errorf("%s: %+v, %v", status, rec, err)
			}
			kept, err := s.Logs(ctx, c.ID, 0, 10)
			if err != nil || len(kept) != 2 || len(kept[1].Message) != 500_000 || !strings.Contains(kept[0].Message, "emoji 🙂") {
				t.Errorf("%s: %d lines, %v", status, len(kept), err)
			}
		}
		if err := s.Audit(ctx, contract.AuditEntry{At: time.Now(), Actor: nasty, Action: "pause", Target: "a", Before: []byte(`{}`), Origin: nasty}); err != nil {
			t.Error(err)
		}
		if _, err := s.Pause(ctx, contract.Pause{Job: "a", Reason: nasty, Actor: nasty, At: time.Now()}); err != nil {
			t.Error(err)
		}
		if _, err := s.Beat(ctx, contract.Beat{Instance: contract.InstanceInfo{ID: "i", Host: nasty}, At: time.Now(), Lease: time.Hour}); err != nil {
			t.Error(err)
		}
	})
}

// Names that a collation would take for the same are different jobs and different keys.
func TestServerNamesCompareByBytes(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		s := openURL(t, k.URL(t))
		for _, key := range []string{"k", "K", "k ", "ḱ", "ǩ"} {
			c := claimOf("a", 1)
			c.Slot, c.Key = time.Time{}, key
			if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
				t.Errorf("key %q: %+v, %v", key, got, err)
			}
		}
		for _, job := range []string{"j", "J", "ĵ", "ss", "ß", "j.", "j-"} {
			c := claimOf(job, 1)
			if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
				t.Errorf("job %q: %+v, %v", job, got, err)
			}
		}
	})
}

func TestServerCloseLeavesNoConnection(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		url := k.URL(t)
		s, err := store.Open(t.Context(), store.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Summarize(t.Context(), contract.Position{}, 1); err != nil {
			t.Fatal(err)
		}
		writes := s.Writes()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if open := writes.Stats().OpenConnections; open != 0 {
			t.Errorf("%d connections are open", open)
		}
	})
}

func TestReadOnly(t *testing.T) {
	ctx := context.Background()
	path := file(t)
	readOnly := func() (*store.Store, error) {
		return store.Open(ctx, store.Options{URL: "sqlite://" + path, ReadOnly: true})
	}

	s, err := readOnly()
	if err != nil {
		t.Fatal(err)
	}
	if !s.Absent() {
		t.Error("the file is not there")
	}
	if st, err := s.States(ctx); err != nil || len(st) != 0 {
		t.Errorf("states %v, %v", st, err)
	}
	if runs, err := s.Runs(ctx, contract.Query{}); err != nil || len(runs) != 0 {
		t.Errorf("runs %v, %v", runs, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("a folder was created")
	}

	w := open(t, path)
	if _, err := w.Claim(ctx, []contract.Claim{claimOf("a", 1)}); err != nil {
		t.Fatal(err)
	}
	if s, err = readOnly(); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if runs, err := s.Runs(ctx, contract.Query{}); err != nil || len(runs) != 1 || s.Absent() {
		t.Errorf("runs %v, %v", runs, err)
	}
	if _, err := s.Claim(ctx, []contract.Claim{claimOf("a", 2)}); err == nil || !strings.Contains(err.Error(), "cannot be written") {
		t.Errorf("claim: %v", err)
	}
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
}
