package db_test

import (
	"os"
	"testing"

	"fibercrons/app/store/db"
)

// A job may change the working directory: connections that are made afterwards are to the same file.
func TestDatabaseStaysInItsDirectory(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	s, err := db.Open(t.Context(), db.Options{URL: "sqlite://crons.db"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	t.Chdir(second)
	pool, err := s.Users().DB()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // the first may have been made before
		conn, err := pool.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		var n int
		if err := conn.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM job_state").Scan(&n); err != nil {
			t.Error(err)
		}
	}
	if files, err := os.ReadDir(second); err != nil || len(files) > 0 {
		t.Errorf("%v (%v)", files, err)
	}
}
