package env_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"fibercrons/app/env"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]env.Size{
		"0": 0, "1": 1, "4096": 4096, "4096B": 4096, "1KiB": 1 << 10, "256kib": 256 << 10, "1 MiB": 1 << 20, "3GiB": 3 << 30, "8589934591GiB": 8589934591 << 30,
	} {
		var got env.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "-1", "1.5MiB", "1KB", "1K", "KiB", "1  KiB", "1KiB ", "0x10", "1e3", "8589934592GiB", "9223372036854775808", "١KiB"} {
		var got env.Size
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted as %d", text, got)
		}
	}
	for size, want := range map[env.Size]string{0: "0", 1: "1", 1000: "1000", 1 << 10: "1KiB", 3 << 19: "1536KiB", 5 << 30: "5GiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d prints as %s, want %s", int64(size), got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "1s": time.Second, "-5m": -5 * time.Minute, "1h30m": 90 * time.Minute, "0d": 0, "30d": 720 * time.Hour, "1d12h": 36 * time.Hour, "1d0": 24 * time.Hour, "106751d": 106751 * 24 * time.Hour,
	} {
		got, err := env.ParseDuration(text)
		if err != nil || got != want {
			t.Errorf("%q is %s (%v), want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "1d-1h", "1d+1h", "1d1d", "1d 1h", "12h1d", "30", "1.5", "106752d", "106751d24h", "99999999999999999999d"} {
		if got, err := env.ParseDuration(text); err == nil {
			t.Errorf("%q is accepted as %s", text, got)
		}
	}
}

func FuzzSize(f *testing.F) {
	for _, seed := range []string{"0", "256KiB", "1 mib", "4096", "8589934592GiB", "1KB", "-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var size, again env.Size
		if size.UnmarshalText([]byte(text)) != nil {
			return
		}
		if size < 0 {
			t.Errorf("%q is %d", text, int64(size))
		}
		if err := again.UnmarshalText([]byte(size.String())); err != nil || again != size {
			t.Errorf("%q is %d, prints as %s and is %d then (%v)", text, int64(size), size, int64(again), err)
		}
	})
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"0", "30d", "1d12h", "106751d23h47m16s854ms775us807ns", "106751d24h", "-1h", "1.5h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := env.ParseDuration(text)
		std, stdErr := time.ParseDuration(text)
		switch {
		case stdErr == nil && (err != nil || d != std):
			t.Errorf("%q is %s (%v), and %s in package time", text, d, err, std)
		case err == nil && stdErr != nil && d < 0:
			t.Errorf("%q has overflowed to %s", text, d)
		}
	})
}

func TestDatabaseServer(t *testing.T) {
	for url, want := range map[string][2]string{
		"postgres://me:hunter2@db.example:5433/crons?sslmode=require": {env.Postgres, "postgres://db.example:5433/crons"},
		"postgresql://me@[::1]/crons":                                 {env.Postgres, "postgres://[::1]/crons"},
		"postgres://me:hunter2@a:1,b:2/crons":                         {env.Postgres, "postgres://a:1,b:2/crons"},
		"postgres://me:hunter2@/crons?host=/var/run/postgresql":       {env.Postgres, "postgres:///crons"},
		"postgres:///crons?host=/run/postgresql":                      {env.Postgres, "postgres:///crons"},
		"postgres:///crons?host=/run/postgresql&user=me":              {env.Postgres, "postgres:///crons"},
		"postgres://me:hunter2@%2Frun%2Fpostgresql/crons":             {env.Postgres, "postgres:///crons"},
		"mysql://me:hunter2@/crons?socket=/run/mysqld/mysqld.sock":    {env.MySQL, "mysql:///crons"},
		"mysql://me@localhost/crons?unix_socket=/run/m.sock":          {env.MySQL, "mysql://localhost/crons"},
		"mysql://me:hunter2@%2Frun%2Fmysqld%2Fmysqld.sock/crons":      {env.MySQL, "mysql:///crons"},
		"mysql://me:hunt%40er2@db/crons?tls=true":                     {env.MySQL, "mysql://db/crons"},
		"MariaDB://me:hunter2@db:3306/crons":                          {env.MySQL, "mysql://db:3306/crons"},
	} {
		var d env.Database
		if err := d.UnmarshalText([]byte(url)); err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if d.Driver != want[0] || d.String() != want[1] || !strings.Contains(url, "%2F") && d.Reveal() != url {
			t.Errorf("%s is a %s and prints as %s, want %s", url, d.Driver, d, want[1])
		}
		for _, shown := range []string{fmt.Sprint(d), fmt.Sprintf("%+v %#v", d, d), d.LogValue().String()} {
			if strings.Contains(shown, "hunter2") || strings.Contains(shown, "hunt%40") {
				t.Errorf("%s shows its password as %s", url, shown)
			}
		}
	}
}

func FuzzDatabaseURL(f *testing.F) {
	for _, seed := range []string{"sqlite://data/crons.db", "sqlite:///srv/x.db", "sqlite://x?mode=ro", "sqlite://:memory:", "postgres://u:p@h/d", "u:p@tcp(h)/d", "mysql://", "sqlite://~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, url string) {
		var d, again env.Database
		if err := d.UnmarshalText([]byte(url)); err == nil {
			file := d.Driver == env.SQLite
			if file && (d.Path == "" || strings.ContainsAny(d.Path, "?\x00\n")) || !file && (d.Name == "" || d.Reveal() != url) {
				t.Errorf("%q is accepted as %+v", url, d)
			}
			if err := again.UnmarshalText([]byte(d.Reveal())); err != nil || again != d {
				t.Errorf("%q prints as %s and is %+v then (%v)", url, d, again, err)
			}
		}

		// Whatever the kind of database, a password does not come back in the mistake.
		const password = "hunter2-in-a-url"
		for _, secret := range []string{url + "?p=" + password, "postgres://" + password + "@" + url, strings.TrimPrefix(url, "sqlite://") + ":" + password} {
			_, _, err := load(map[string]string{"DATABASE_URL": secret})
			if failed, ok := errors.AsType[*env.Error](err); ok && !strings.HasPrefix(strings.ToLower(secret), "sqlite://") || ok && strings.Contains(secret, "?p=") {
				if strings.Contains(failed.Error(), password) {
					t.Errorf("%q is shown in %v", secret, failed)
				}
			}
		}
	})
}
