package db_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fibercrons/app/store/db"
)

// A shutdown cancels statements, and whoever cancelled one knows: the log of a clean end has no error. What else goes
// wrong with a statement is logged.
func TestCancelledStatementsAreNotLogged(t *testing.T) {
	var log bytes.Buffer
	s := openWith(t, db.Options{URL: "sqlite://" + filepath.Join(t.TempDir(), "x.db"), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer end()
	for _, test := range []struct {
		name   string
		ctx    context.Context
		sql    string
		logged bool
	}{
		{"cancelled", gone, "SELECT 1", false},
		{"too late", late, "SELECT 1", true},
		{"wrong", t.Context(), "SELECT 2 FROM nowhere", true},
	} {
		var n int
		for on, err := range map[string]error{
			"reads": s.Read(test.ctx).Raw(test.sql).Scan(&n).Error,
			"users": s.Users().WithContext(test.ctx).Raw(test.sql).Scan(&n).Error,
		} {
			if err == nil || test.ctx.Err() != nil && !errors.Is(err, test.ctx.Err()) {
				t.Errorf("%s, %s: %v", test.name, on, err)
			}
		}
		if said := log.String(); strings.Contains(said, test.sql) != test.logged {
			t.Errorf("%s: logged %q", test.name, said)
		}
		log.Reset()
	}
}
