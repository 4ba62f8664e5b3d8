package env_test

import (
	"fmt"

	"fibercrons/app/env"
)

// All mistakes come back at once, and no secret is among them.
func ExampleLoad() {
	_, warnings, err := env.Load(env.File(""), env.Env(map[string]string{
		"CRON_WORKERS":        "abc",
		"CRON_LEASE":          "10",
		"CRON_OPERATOR_TOKEN": "letmein",
		"CRON_TIMEZON":        "Europe/Berlin",
	}))
	fmt.Println(warnings)
	fmt.Println(err)
	// Output:
	// [CRON_TIMEZON is not a variable of this program and is ignored; the nearest one is CRON_TIMEZONE]
	// the configuration has 3 mistakes:
	//   CRON_WORKERS="abc": not a whole number; set it to 1 or more, or remove it for the default 64
	//   CRON_LEASE="10": a duration without a unit (ms, s, m, h or d); set it to 1s or more, or remove it for the default 30s
	//   CRON_OPERATOR_TOKEN=[hidden]: shorter than 16 characters; make one with: openssl rand -hex 32
}

// In a test the environment is a map.
func ExampleEnv() {
	c, _, err := env.Load(env.File(""), env.Env(map[string]string{
		"PORT":          "0",
		"DATABASE_URL":  "sqlite:///srv/crons.db",
		"CRON_KEEP_FOR": "30d",
	}))
	fmt.Println(c.Addr(), c.Database.Path, c.KeepFor, err)
	// Output: 127.0.0.1:0 /srv/crons.db 720h0m0s <nil>
}
