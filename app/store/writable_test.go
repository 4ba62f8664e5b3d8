package store_test

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"fibercrons/app/store"
)

// A user who may not write is refused at the start, tables or not, and may look all the same.
func TestReadOnlyUserIsRefused(t *testing.T) {
	for _, rights := range []struct{ name, grant, missing string }{
		{"reads", "SELECT", ""},
		{"cannot change", "SELECT, INSERT, DELETE", "write to job_"},
		{"cannot delete", "SELECT, INSERT, UPDATE", "write to job_"},
	} {
		t.Run(rights.name, func(t *testing.T) {
			onServers(t, func(t *testing.T, k kind) {
				full := k.url(t)
				empty := reader(t, k, k.url(t), rights.grant)
				openURL(t, full)
				limited := reader(t, k, full, rights.grant)
				for what, url := range map[string]string{"with tables": limited, "without": empty} {
					s, err := store.Open(context.Background(), store.Options{URL: url})
					if err == nil {
						_ = s.Close()
						t.Fatalf("%s: it was opened", what)
					}
					if text := err.Error(); !strings.Contains(text, "the rights it needs: GRANT") || !strings.Contains(text, "reader_") || what == "with tables" && !strings.Contains(text, rights.missing) {
						t.Errorf("%s: %v", what, err)
					}
				}
				s, err := store.Open(context.Background(), store.Options{URL: limited, ReadOnly: true})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Outline(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// reader returns the URL of a database for a user of its own, who has these rights on what is there now.
func reader(t *testing.T, k kind, base, rights string) string {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal("not a URL")
	}
	name, password := "reader_"+strings.TrimPrefix(freshName(), "fibercrons_"), "secret"
	if k.name == "Postgres" {
		schema := u.Query().Get("search_path")
		admin(t, "pgx", base, "CREATE ROLE "+name+" LOGIN PASSWORD '"+password+"'")
		t.Cleanup(func() {
			admin(t, "pgx", base, "DROP OWNED BY "+name)
			admin(t, "pgx", base, "DROP ROLE "+name)
		})
		admin(t, "pgx", base, "GRANT USAGE ON SCHEMA "+schema+" TO "+name)
		admin(t, "pgx", base, "GRANT "+rights+" ON ALL TABLES IN SCHEMA "+schema+" TO "+name)
	} else {
		dsn := u.User.String() + "@tcp(" + u.Host + ")" + u.Path
		admin(t, "mysql", dsn, "CREATE USER '"+name+"'@'%' IDENTIFIED BY '"+password+"'")
		t.Cleanup(func() { admin(t, "mysql", dsn, "DROP USER '"+name+"'@'%'") })
		admin(t, "mysql", dsn, "GRANT "+rights+" ON "+strings.TrimPrefix(u.Path, "/")+".* TO '"+name+"'@'%'")
	}
	u.User = url.UserPassword(name, password)
	return u.String()
}
