package db_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fibercrons/app/store/db"
)

func TestIdentityIsTheFiles(t *testing.T) {
	identity := func(s *db.Database) string {
		id, err := s.Identity(t.Context())
		if err != nil {
			t.Error(err)
		}
		return id
	}
	open := func(path string, readOnly bool) *db.Database {
		s, err := db.Open(t.Context(), db.Options{URL: "sqlite://" + path, ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	one, two := filepath.Join(t.TempDir(), "one.db"), filepath.Join(t.TempDir(), "two.db")
	a, b := open(one, false), open(one, false)
	if id := identity(open(one, true)); id != "" {
		t.Errorf("nobody has asked, and a reader sees %q", id)
	}

	var ids [20]string
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = identity([]*db.Database{a, b}[i%2]) })
	}
	wg.Wait()
	for _, id := range ids {
		if uuid.Validate(id) != nil || id != ids[0] {
			t.Fatalf("one file has the identities %q", ids)
		}
	}
	if id := identity(open(one, true)); id != ids[0] {
		t.Errorf("a reader sees %q, want %q", id, ids[0])
	}
	if id := identity(open(two, false)); uuid.Validate(id) != nil || id == ids[0] {
		t.Errorf("another file has the identity %q, and the first %q", id, ids[0])
	}
}
