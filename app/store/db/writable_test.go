package db_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
)

// A user who may not write is refused at the start, tables or not, and may look all the same.
func TestReadOnlyUserIsRefused(t *testing.T) {
	for _, rights := range []struct{ name, grant, missing string }{
		{"reads", "SELECT", ""},
		{"cannot change", "SELECT, INSERT, DELETE", "write to job_"},
		{"cannot delete", "SELECT, INSERT, UPDATE", "write to job_"},
	} {
		t.Run(rights.name, func(t *testing.T) {
			testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
				full := k.URL(t)
				empty := reader(t, k, k.URL(t), rights.grant)
				openURL(t, full)
				limited := reader(t, k, full, rights.grant)
				for what, url := range map[string]string{"with tables": limited, "without": empty} {
					s, err := db.Open(context.Background(), db.Options{URL: url})
					if err == nil {
						_ = s.Close()
						t.Fatalf("%s: it was opened", what)
					}
					if text := err.Error(); !strings.Contains(text, "the rights it needs: GRANT") || !strings.Contains(text, "reader_") || what == "with tables" && !strings.Contains(text, rights.missing) {
						t.Errorf("%s: %v", what, err)
					}
				}
				s, err := db.Open(context.Background(), db.Options{URL: limited, ReadOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.Read(t.Context()).Exec("SELECT name FROM job_state").Error; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// reader returns the URL of a database for a user of its own, who has these rights on what is there now.
func reader(t *testing.T, k testdb.Kind, base, rights string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("not a URL")
	}
	name, password := "reader_"+strings.TrimPrefix(testdb.Name(), "fibercrons_"), "secret"
	if k.Name == "Postgres" {
		schema := u.Query().Get("search_path")
		testdb.Exec(t, "pgx", base, "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'")
		t.Cleanup(func() {
			testdb.Exec(t, "pgx", base, "DROP OWNED BY "+name)
			testdb.Exec(t, "pgx", base, "DROP ROLE "+name)
		})
		testdb.Exec(t, "pgx", base, "GRANT USAGE ON SCHEMA "+schema+" TO "+name)
		testdb.Exec(t, "pgx", base, "GRANT "+rights+" ON ALL TABLES IN SCHEMA "+schema+" TO "+name)
	} else {
		dsn := u.User.String() + "@tcp(" + u.Host + ")" + u.Path
		testdb.Exec(t, "mysql", dsn, "CREATE USER '"+name+"'@'%' IDENTIFIED BY '"+password+"'")
		t.Cleanup(func() { testdb.Exec(t, "mysql", dsn, "DROP USER '"+name+"'@'%'") })
		testdb.Exec(t, "mysql", dsn, "GRANT "+rights+" ON "+strings.TrimPrefix(u.Path, "/")+".* TO '"+name+"'@'%'")
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}
