package env_test

import (
	"testing"

	"fibercrons/app/env"
)

// TestDatabaseSocketAsHost: what follows gets a URL that package url can read.
func TestDatabaseSocketAsHost(t *testing.T) {
	for url, want := range map[string]string{
		"postgres://me:a%40b@%2Frun%2Fpostgresql/crons":                      "postgres://me:a%40b@/crons?host=%2Frun%2Fpostgresql",
		"postgres://%2frun%2fpostgresql:5433/crons?application_name=x":       "postgres:///crons?host=%2Frun%2Fpostgresql&port=5433&application_name=x",
		"mariadb://me@%2Frun%2Fmysqld%2Fmysqld.sock/crons?ssl-mode=DISABLED": "mariadb://me@/crons?socket=%2Frun%2Fmysqld%2Fmysqld.sock&ssl-mode=DISABLED",
		"postgres://me:%2Fx@db/crons":                                        "postgres://me:%2Fx@db/crons",
	} {
		var d env.Database
		if err := d.UnmarshalText([]byte(url)); err != nil {
			t.Errorf("%s: %v", url, err)
		} else if d.Reveal() != want {
			t.Errorf("%s becomes %s, want %s", url, d.Reveal(), want)
		}
	}
	for _, url := range []string{"mysql:///crons?socket=/run/m.sock", "postgres://db/crons", "mysql://me@/crons", "mysql://me@/crons?host=", "postgres:///crons", "postgres:///crons?host=db", "postgres://me@%2Frun/"} {
		if err := new(env.Database).UnmarshalText([]byte(url)); err == nil {
			t.Errorf("%s is accepted", url)
		}
	}
}
