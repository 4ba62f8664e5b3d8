package store_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, data []byte) string {
		t.Helper()
		if err := os.WriteFile(at(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return "sqlite://" + at(name)
	}
	good := open(t, at("good.db"))
	if err := good.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(at("good.db"))
	if err != nil {
		t.Fatal(err)
	}
	newer := open(t, at("newer.db"))
	if err := newer.Exec("INSERT INTO job_migrations (version, name, applied_at) VALUES (99, 'later', 0)"); err != nil {
		t.Fatal(err)
	}
	locked := open(t, at("locked.db"))
	tx, err := locked.Writes().Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}

	tests := []struct {
		name, url string
		want      []string
	}{
		{"no URL", "", []string{"DATABASE_URL is empty", "sqlite://data/crons.db"}},
		{"no scheme", "secret", []string{"has no scheme"}},
		{"no such database", "oracle://u:secret@h/d", []string{`"oracle"`, "not supported"}},
		{"no file", "sqlite://", []string{"names no file"}},
		{"memory", "sqlite://:memory:", []string{"names no file"}},
		{"options", "sqlite://x.db?secret=1", []string{"takes no options"}},
		{"a folder", "sqlite://" + at("folder"), []string{at("folder"), "is a directory", "crons.db"}},
		{"a file on the way", write("plain", nil) + "/x.db", []string{at("plain/x.db"), "cannot be reached"}},
		{"text", write("text.db", bytes.Repeat([]byte("hello "), 1000)), []string{at("text.db"), "is not an SQLite database", "nothing was changed"}},
		{"damaged", write("damaged.db", append(slices.Clone(whole[:4096]), bytes.Repeat([]byte{0xff}, len(whole)-4096)...)), []string{at("damaged.db"), "is damaged"}},
		{"truncated", write("truncated.db", whole[:5000]), []string{at("truncated.db"), "is damaged"}},
		{"newer", "sqlite://" + at("newer.db"), []string{"schema version 99", "only up to 9", "newer release"}},
		{"locked", "sqlite://" + at("locked.db"), []string{at("locked.db"), "is locked by another program"}},
	}
	if os.Geteuid() != 0 {
		unreadable := write("unreadable.db", whole)
		readonly := write("readonly.db", whole)
		if err := os.Chmod(at("unreadable.db"), 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(at("readonly.db"), 0o400); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(at("closed"), 0o500); err != nil {
			t.Fatal(err)
		}
		tests = append(tests, []struct {
			name, url string
			want      []string
		}{
			{"unreadable", unreadable, []string{at("unreadable.db"), "cannot be read"}},
			{"read-only", readonly, []string{at("readonly.db"), "cannot be written"}},
			{"a folder that cannot be made", "sqlite://" + at("closed/new/x.db"), []string{at("closed/new"), "cannot be created"}},
			{"a file that cannot be made", "sqlite://" + at("closed/x.db"), []string{at("closed/x.db"), "cannot be opened"}},
		}...)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := strings.TrimPrefix(tt.url, "sqlite://")
			before, _ := os.ReadFile(path)
			s, err := store.Open(context.Background(), store.Options{URL: tt.url, RetryFor: time.Millisecond})
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			for _, want := range append(tt.want, "open store: ") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q lacks %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "_pragma") {
				t.Errorf("error %q", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestOpenCreatesFolderAndFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b c", "100% ? #.db")
	if s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path}); err == nil {
		s.Close()
		t.Error("a question mark begins options")
	}
	path = filepath.Join(t.TempDir(), "a", "b c", "100% #.db")
	s := open(t, path)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10"} {
		var got string
		if err := s.Writes().QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestMigrateTwiceAndTogether(t *testing.T) {
	path := file(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	s := open(t, path)
	if have, want, err := s.Version(context.Background()); have != want || want < 1 || err != nil {
		t.Errorf("version %d of %d, %v", have, want, err)
	}
	if err := s.Migrate(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNoMigrate(t *testing.T) {
	s, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + file(t), NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if have, _, err := s.Version(context.Background()); have != 0 || err != nil {
		t.Errorf("version %d, %v", have, err)
	}
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	if have, want, err := s.Version(context.Background()); have != want || err != nil {
		t.Errorf("version %d, %v", have, err)
	}
}

// The migrations and the models say the same.
func TestTablesFitModels(t *testing.T) {
	s := open(t, file(t))
	for _, m := range []any{&row.JobState{}, &row.JobRun{}, &row.RunLog{}, &row.Instance{}, &row.AuditEntry{}} {
		stmt := s.DB().Model(m).Statement
		if err := stmt.Parse(m); err != nil {
			t.Fatal(err)
		}
		columns, err := s.DB().Migrator().ColumnTypes(m)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, c := range columns {
			have = append(have, c.Name())
		}
		want := slices.Clone(stmt.Schema.DBNames)
		slices.Sort(have)
		slices.Sort(want)
		if !slices.Equal(have, want) {
			t.Errorf("%s has columns\n%v\nand its model\n%v", stmt.Schema.Table, have, want)
		}
	}
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

func TestReadOnlyOfAnOldSchema(t *testing.T) {
	path := file(t)
	old, err := store.Open(context.Background(), store.Options{URL: "sqlite://" + path, NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	_, err = store.Open(context.Background(), store.Options{URL: "sqlite://" + path, ReadOnly: true})
	if err == nil || !strings.Contains(err.Error(), "cli migrate") {
		t.Errorf("open: %v", err)
	}
}

func TestUsersOwnTable(t *testing.T) {
	type Invoice struct {
		ID     string `gorm:"primaryKey"`
		PaidAt row.Millis
	}
	db := open(t, file(t)).DB()
	if err := db.Migrator().CreateTable(&Invoice{}); err != nil {
		t.Fatal(err)
	}
	at := row.MillisOf(time.Now())
	for _, in := range []Invoice{{"a", at}, {"b", 0}} {
		if err := db.Create(&in).Error; err != nil {
			t.Fatal(err)
		}
	}
	var unpaid []Invoice
	if err := db.Where("paid_at IS NULL").Find(&unpaid).Error; err != nil || len(unpaid) != 1 || unpaid[0].ID != "b" {
		t.Errorf("unpaid %v, %v", unpaid, err)
	}
	var paid Invoice
	if err := db.First(&paid, "id = ?", "a").Error; err != nil || paid.PaidAt != at {
		t.Errorf("paid %v, %v", paid, err)
	}
}

func TestAudit(t *testing.T) {
	s, ctx := open(t, file(t)), context.Background()
	at := time.UnixMilli(1_000_000).UTC()
	for _, e := range []contract.AuditEntry{
		{At: at, Actor: "ann", Action: "pause", Target: "a", Before: []byte(`{"paused":false}`), After: []byte(`{"paused":true}`), Origin: "::1", RequestID: "r1"},
		{At: at, Actor: "bob", Action: "run", Target: "b"},
		{At: at, Actor: "ann", Action: "resume", Target: "a"},
	} {
		if err := s.Audit(ctx, e); err != nil {
			t.Fatal(err)
		}
	}
	all, err := s.Audits(ctx, "", 0, 10)
	if err != nil || len(all) != 3 || all[0].Action != "resume" {
		t.Fatalf("all: %+v, %v", all, err)
	}
	some, err := s.Audits(ctx, "a", all[0].ID, 10)
	if err != nil || len(some) != 1 {
		t.Fatalf("some: %+v, %v", some, err)
	}
	e := some[0]
	if e.Actor != "ann" || !e.At.Equal(at) || string(e.After) != `{"paused":true}` || e.Origin != "::1" || e.RequestID != "r1" {
		t.Errorf("entry %+v", e)
	}
}
