// Package parts is YOURS: what this program is built with, one line each. A line less takes out all that only it needs:
//
//	go run ./cmd/cli add river       # writes the line
//	go run ./cmd/cli remove metrics  # takes it out
//
// A setting that needs a part which is not here stops the start, and says so.
package parts

import (
	_ "fibercrons/app/alert/mail"     // alerts by email (ALERT_EMAIL_TO)
	_ "fibercrons/app/metrics"        // GET /metrics for Prometheus
	_ "fibercrons/app/redis"          // replicas agree by Redis (REDIS_URL)
	_ "fibercrons/app/store/mysql"    // MySQL and MariaDB (DATABASE_URL=mysql://)
	_ "fibercrons/app/store/postgres" // PostgreSQL (DATABASE_URL=postgres://)
	_ "fibercrons/app/store/sqlite"   // SQLite, the default of DATABASE_URL
)
