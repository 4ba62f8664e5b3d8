package db_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
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
	good := openURL(t, "sqlite://"+at("good.db"))
	testdb.ExecAll(t, good.Writer(), "PRAGMA wal_checkpoint(TRUNCATE)")
	whole, err := os.ReadFile(at("good.db"))
	if err != nil {
		t.Fatal(err)
	}
	newer := openURL(t, "sqlite://"+at("newer.db"))
	testdb.ExecAll(t, newer.Writer(), "INSERT INTO job_migrations (version, name, applied_at) VALUES (99, 'later', 0)")
	locked := openURL(t, "sqlite://"+at("locked.db"))
	tx, err := locked.Writer().Begin()
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
		{"newer", "sqlite://" + at("newer.db"), []string{"schema version 99", "only up to 12", "newer release"}},
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
			s, err := db.Open(context.Background(), db.Options{URL: tt.url, RetryFor: time.Millisecond})
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
	if s, err := db.Open(context.Background(), db.Options{URL: "sqlite://" + path}); err == nil {
		s.Close()
		t.Error("a question mark begins options")
	}
	path = filepath.Join(t.TempDir(), "a", "b c", "100% #.db")
	s := openURL(t, "sqlite://"+path)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10"} {
		var got string
		if err := s.Writer().QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestMigrateTwiceAndTogether(t *testing.T) {
	path := testdb.File(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			s, err := db.Open(context.Background(), db.Options{URL: "sqlite://" + path})
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
	s := openURL(t, "sqlite://"+path)
	if have, want, err := s.Version(context.Background()); have != want || want < 1 || err != nil {
		t.Errorf("version %d of %d, %v", have, want, err)
	}
	if err := s.Migrate(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestNoMigrate(t *testing.T) {
	s, err := db.Open(context.Background(), db.Options{URL: "sqlite://" + testdb.File(t), NoMigrate: true})
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
	s := openURL(t, "sqlite://"+testdb.File(t))
	for _, m := range []any{&row.JobState{}, &row.JobRun{}, &row.RunLog{}, &row.Instance{}, &row.AuditEntry{}} {
		stmt := s.Users().Model(m).Statement
		if err := stmt.Parse(m); err != nil {
			t.Fatal(err)
		}
		columns, err := s.Users().Migrator().ColumnTypes(m)
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

func TestReadOnlyOfAnOldSchema(t *testing.T) {
	path := testdb.File(t)
	old, err := db.Open(context.Background(), db.Options{URL: "sqlite://" + path, NoMigrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	_, err = db.Open(context.Background(), db.Options{URL: "sqlite://" + path, ReadOnly: true})
	if err == nil || !strings.Contains(err.Error(), "cli migrate") {
		t.Errorf("open: %v", err)
	}
}

func TestUsersOwnTable(t *testing.T) {
	type Invoice struct {
		ID     string `gorm:"primaryKey"`
		PaidAt row.Millis
	}
	db := openURL(t, "sqlite://"+testdb.File(t)).Users()
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

// Each database in memory is a database of its own, read-only it is empty, and a connection that breaks takes nothing along.
func TestMemory(t *testing.T) {
	a, b := openURL(t, "sqlite::memory:"), openURL(t, "sqlite::memory:")
	for _, s := range []*db.Database{a, b} {
		if err := s.Users().Exec("CREATE TABLE mine (n INTEGER)").Error; err != nil {
			t.Fatal(err) // also if the other's were seen
		}
	}
	if err := a.Users().Exec("INSERT INTO mine VALUES (1)").Error; err != nil {
		t.Fatal(err)
	}
	pool, err := a.Users().DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxIdleConns(0) // closes them all
	var n int
	if err := a.Users().Raw("SELECT n FROM mine").Scan(&n).Error; err != nil || n != 1 {
		t.Errorf("read %d, %v", n, err)
	}
	empty, err := db.Open(t.Context(), db.Options{URL: "sqlite::memory:", ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	if rows := testdb.Rows(t, empty.Reader(), "job_state"); !empty.Absent() || len(rows) != 0 {
		t.Errorf("read-only: absent %t, %v", empty.Absent(), rows)
	}
	if err := empty.Users().Exec("CREATE TABLE mine (n INTEGER)").Error; err == nil {
		t.Error("a read-only database in memory takes a table, which would be lost")
	}
}
