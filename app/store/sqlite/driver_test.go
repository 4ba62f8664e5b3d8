package sqlite

import (
	"testing"
	"time"
)

// A reader that is busy for too long fails a commit in memory, and only that one.
func TestFailedCommitEndsItsTransaction(t *testing.T) {
	d := &dialect{}
	d.inMemory()
	writer, err := d.pool(d.dsn("rwc", 20*time.Millisecond), 1, "immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	fill := "CREATE TABLE numbers AS WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 1000) SELECT value FROM n"
	if _, err := writer.ExecContext(t.Context(), fill); err != nil {
		t.Fatal(err)
	}
	reader, err := d.pool(d.dsn("rwc", 20*time.Millisecond), 1, "")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	rows, err := reader.QueryContext(t.Context(), "SELECT value FROM numbers")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	insert := func() error {
		tx, err := writer.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatalf("a transaction does not begin: %v", err)
		}
		if _, err := tx.ExecContext(t.Context(), "INSERT INTO numbers VALUES (-1)"); err != nil {
			t.Fatal(err)
		}
		return tx.Commit()
	}
	for range 3 {
		if err := insert(); err == nil {
			t.Fatal("the reader holds nothing up: the test shows nothing")
		}
	}
	for rows.Next() { // to its end, which lets go of the lock
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if err := insert(); err != nil {
		t.Error(err)
	}
	var n int
	if err := reader.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM numbers WHERE value = -1").Scan(&n); err != nil || n != 1 {
		t.Errorf("%d rows, %v", n, err)
	}
}
