//go:build unix

package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
)

// The suites below have several replicas on one database server each, as in production: replicas come
// and go (fault_replicas_test.go, fault_rolling_test.go), so does the network between them and the server
// (fault_network_test.go), and so does the server (fault_crash_test.go). They need TEST_POSTGRES_URL and
// TEST_MYSQL_URL, as the other tests of servers do, and speak to nothing beyond this machine.

// onServersAtOnce runs a suite on every kind of server.
func onServersAtOnce(t *testing.T, run func(t *testing.T, k testdb.Kind)) {
	onlyIfAsked(t)
	t.Parallel()
	for _, k := range testdb.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			run(t, k)
		})
	}
}

// atLength chooses between what is done for every change and what is done at length.
func atLength[T any](short, long T) T {
	if *faultLong {
		return long
	}
	return short
}

// several starts so many replicas; change tells the one of a place something of its own.
func (c *crew) several(n int, change func(place int, l *life)) []*process {
	all := make([]*process, n)
	for place := range all {
		all[place] = c.start(func(l *life) { change(place, l) })
	}
	return all
}

// waits are how long something took, of many.
type waits []time.Duration

func (w waits) at(percent int) time.Duration {
	if len(w) == 0 {
		return 0
	}
	slices.Sort(w)
	return w[min(len(w)-1, len(w)*percent/100)]
}

func (w waits) String() string {
	return fmt.Sprintf("p50 %s, p99 %s, max %s of %d", w.at(50).Round(time.Millisecond), w.at(99).Round(time.Millisecond), w.at(100).Round(time.Millisecond), len(w))
}

// startedAt is when each slot was first started, by the right clock.
func (w *world) startedAt(skew map[int]time.Duration) map[slotOf]time.Time {
	at := map[slotOf]time.Time{}
	for _, m := range w.marks {
		if m.Kind == "start" && m.Attempt == 1 && m.Slot != 0 {
			at[m.slot()] = time.UnixMicro(m.At).Add(-skew[m.Life])
		}
	}
	return at
}

// shares is how many of the first attempts each replica made, by place.
func (w *world) shares(places int, of func(lifeNumber int) (place int)) []int {
	n := make([]int, places)
	for _, m := range w.marks {
		if m.Kind == "start" && m.Attempt == 1 {
			n[of(m.Life)]++
		}
	}
	return n
}

// connections counts those to the database of a URL that is named like the test's alone: its own
// application_name on Postgres, its own database on MySQL.
func connections(t *testing.T, of string) int {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal("not a URL")
	}
	driver, query, arg := "pgx", "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1", u.Query().Get("application_name")
	q := u.Query()
	q.Del("application_name")
	u.RawQuery = q.Encode()
	dsn := u.String()
	if u.Scheme == "mysql" {
		driver, dsn = "mysql", fmt.Sprintf("%s@tcp(%s)/", u.User, u.Host)
		query, arg = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = ?", strings.TrimPrefix(u.Path, "/")
	}
	db, err := sql.Open(driver, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var n int
	if err := db.QueryRowContext(ctx, query, arg).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
