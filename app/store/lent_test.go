//go:build unix

package store_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
	gosql "github.com/go-sql-driver/mysql"
	"github.com/google/uuid"
	"gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	"gorm.io/gorm/schema"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
	"fibercrons/app/store/row"
)

// interpolated is what the store asks of a pool on MySQL.
const interpolated = "interpolateParams=true"

// odd are settings of sessions that would change what the store's statements mean.
var odd = map[string]string{
	"Postgres": "default_transaction_isolation=serializable&default_transaction_read_only=on&enable_seqscan=on",
	"MySQL":    interpolated + "&clientFoundRows=true&loc=Local&charset=latin1&sql_mode=%27ANSI_QUOTES,ONLY_FULL_GROUP_BY%27&time_zone=%27-03:00%27&tx_isolation=%27SERIALIZABLE%27",
}

// lentBy is another program's handle on the database, whose pool has at most so many connections.
func lentBy(t testing.TB, at, params string, most int) *gorm.DB {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal("not a URL")
	}
	var dialector gorm.Dialector
	if u.Scheme == "mysql" {
		config, err := gosql.ParseDSN(u.User.String() + "@tcp(" + u.Host + ")" + u.Path + "?" + params)
		if err != nil {
			t.Fatal(err)
		}
		dialector = mysql.New(mysql.Config{DSNConfig: config})
	} else {
		dialector = postgres.New(postgres.Config{DSN: at + "&" + params, PreferSimpleProtocol: true})
	}
	host, err := gorm.Open(dialector, &gorm.Config{
		Logger:         logger.Discard,
		NamingStrategy: schema.NamingStrategy{TablePrefix: "theirs_", SingularTable: true, NoLowerCase: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := host.DB()
	if err != nil {
		t.Fatal(err)
	}
	pool.SetMaxOpenConns(most)
	t.Cleanup(func() {
		if err := pool.Ping(); err != nil {
			t.Errorf("their pool does not work any more: %v", err)
		}
		if n := pool.Stats().InUse; n != 0 {
			t.Errorf("%d of their connections were not given back", n)
		}
		pool.Close()
	})
	return host
}

// usual is a handle without odd settings.
func usual(t testing.TB, k testdb.Kind, at string, most int) *gorm.DB {
	t.Helper()
	params := ""
	if k.Name == "MySQL" {
		params = interpolated
	}
	return lentBy(t, at, params, most)
}

func openLent(t testing.TB, o store.Options) *store.Store {
	t.Helper()
	o.RetryFor = 30 * time.Second
	s, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// The suites of the store take minutes on servers, and run on pools of its own with every test.
func onlyWithFaults(t *testing.T) {
	t.Helper()
	if !*faultAsked {
		t.Skip("takes minutes: run it with -fault")
	}
}

func TestLentConformance(t *testing.T) {
	onlyWithFaults(t)
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		conformance.Store(t, func(t *testing.T) contract.Store {
			return openLent(t, store.Options{Gorm: lentBy(t, k.URL(t), odd[k.Name], 5)})
		})
	})
}

func TestLentSharing(t *testing.T) {
	onlyWithFaults(t)
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		conformance.Replicas(t, func(t *testing.T) []contract.Store {
			at := k.URL(t)
			shared := usual(t, k, at, 10) // two stores on one pool
			return []contract.Store{openLent(t, store.Options{Gorm: shared}), openLent(t, store.Options{Gorm: shared}), openURL(t, at)}
		})
	})
}

// What the store needs of a lent pool and cannot set is refused with the remedy.
func TestLentPoolIsChecked(t *testing.T) {
	refused := func(t *testing.T, host *gorm.DB, want ...string) {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{Gorm: host, RetryFor: time.Millisecond})
		if err == nil {
			s.Close()
			t.Fatal("it was opened")
		}
		for _, w := range append(want, "open store: ", "app.WithGorm") {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q lacks %q", err, w)
			}
		}
	}
	t.Run("SQLite", func(t *testing.T) {
		host, err := gorm.Open(sqlite.Open(t.TempDir()+"/theirs.db"), &gorm.Config{})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, host, "SQLite", "DATABASE_URL")
		if pool, err := host.DB(); err != nil || pool.Close() != nil {
			t.Error(err)
		}
	})
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		at := k.URL(t)
		for _, most := range []int{1, 4} {
			refused(t, usual(t, k, at, most), fmt.Sprintf("limited to %d,", most), "SetMaxOpenConns(5)")
		}
		err := usual(t, k, at, 5).Transaction(func(tx *gorm.DB) error {
			refused(t, tx, "a transaction", "gorm.Open")
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		busy := usual(t, k, at, 5)
		var all []*gorm.DB
		for range 5 {
			all = append(all, busy.Begin())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s, err := store.Open(ctx, store.Options{Gorm: busy, RetryFor: time.Millisecond}); err == nil {
			s.Close()
			t.Error("it was opened on a pool without a free connection")
		}
		for _, tx := range all {
			tx.Rollback()
		}
		if k.Name == "MySQL" {
			refused(t, lentBy(t, at, "parseTime=true", 5), "interpolateParams=true")
			refused(t, lentBy(t, at, interpolated+"&columnsWithAlias=true", 5), "remove columnsWithAlias")
			refused(t, lentBy(t, testdb.Altered(t, at, func(u *url.URL) { u.Path = "/" }), interpolated, 5), "put its name into the DSN")
		}
	})
}

type invoice struct {
	ID string `gorm:"primaryKey;size:40"`
}

// Heartbeats and claims go on while the program has all other connections in transactions, and under its load.
func TestLentPoolUnderLoad(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		const most = 5
		host := usual(t, k, k.URL(t), most)
		s := openLent(t, store.Options{Gorm: host, Migrations: []row.Migration{{ID: "1", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&invoice{}) }}}})
		if !host.Migrator().HasTable("theirs_invoice") || !s.DB().Migrator().HasTable(&invoice{}) {
			t.Fatal("the program's migrations and models do not go by its own names")
		}
		claim := func() {
			t.Helper()
			began := time.Now()
			c := contract.Claim{
				Fence: contract.Fence{ID: uuid.NewString(), Token: 1}, Job: "j", Status: cron.Running, Trigger: cron.ByHand, Overlap: cron.Allow,
				Instance: "i", Lease: time.Minute, At: time.Now(),
			}
			if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
				t.Error(err)
			}
			if err := s.Finish(t.Context(), contract.Finish{Fence: c.Fence, Job: "j", Status: cron.Succeeded, At: time.Now()}); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("a claim took %s", took)
			}
		}
		claim()
		release := make(chan struct{})
		var holders sync.WaitGroup
		for range 2 * most { // as many as there are connections hold one, the rest wait for one
			holders.Go(func() {
				tx := host.Begin()
				if err := tx.Create(&invoice{uuid.NewString()}).Error; err != nil {
					t.Error(err)
				}
				<-release
				if err := tx.Commit().Error; err != nil {
					t.Error(err)
				}
			})
		}
		pool, err := host.DB()
		if err != nil {
			t.Fatal(err)
		}
		for began := time.Now(); pool.Stats().InUse < most && time.Since(began) < 5*time.Second; {
			time.Sleep(time.Millisecond)
		}
		for n := 0; n < 20 && !t.Failed(); n++ {
			claim()
		}
		close(release)
		holders.Wait()

		var load sync.WaitGroup
		for range 16 {
			load.Go(func() {
				for range 20 {
					err := s.DB().WithContext(t.Context()).Transaction(func(tx *gorm.DB) error {
						if err := tx.Create(&invoice{uuid.NewString()}).Error; err != nil {
							return err
						}
						return tx.Exec("SELECT COUNT(*) FROM theirs_invoice").Error
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 4 {
			load.Go(func() {
				for range 25 {
					claim()
				}
			})
		}
		load.Wait()
		var n int64
		if err := s.DB().Model(&invoice{}).Count(&n).Error; err != nil || n != 16*20+2*most {
			t.Errorf("%d invoices, %v", n, err)
		}
	})
}

// The sessions of a lent pool are as they were before, and what another program sets in them does not reach the store.
func TestLentSessionsStayAsTheyWere(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		at := k.URL(t)
		host := usual(t, k, at, 5)
		query, strange := "SELECT string_agg(name || '=' || setting, E'\\n' ORDER BY name) FROM pg_settings WHERE name NOT IN ('transaction_isolation', 'transaction_read_only')", "SET search_path = pg_catalog"
		if k.Name == "MySQL" {
			query, strange = "SELECT GROUP_CONCAT(variable_name, '=', variable_value ORDER BY variable_name SEPARATOR '\\n') FROM information_schema.session_variables "+
				"WHERE variable_name IN ('SQL_MODE', 'TIME_ZONE', 'TX_ISOLATION', 'TX_READ_ONLY', 'WAIT_TIMEOUT', 'INNODB_LOCK_WAIT_TIMEOUT', 'COLLATION_CONNECTION', 'AUTOCOMMIT')", "USE information_schema"
		}
		sessions := func() (all []string) {
			t.Helper()
			open := make([]*gorm.DB, 5)
			for i := range open {
				open[i] = host.Begin()
				var text string
				if err := open[i].Raw(query).Scan(&text).Error; err != nil {
					t.Error(err)
				}
				all = append(all, text)
			}
			for _, tx := range open {
				tx.Rollback()
			}
			return all
		}
		before := sessions()[0]
		s, err := store.Open(t.Context(), store.Options{Gorm: host})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sync(t.Context(), contract.Program{Definitions: []contract.Definition{{Name: "j", Definition: "@hourly"}}, At: time.Now()}); err != nil {
			t.Error(err)
		}
		if err := host.Exec(strange).Error; err != nil {
			t.Fatal(err)
		}
		if states, err := s.States(t.Context()); err != nil || len(states) != 1 {
			t.Errorf("%v, %v", states, err)
		}
		pool, err := host.DB()
		if err != nil {
			t.Fatal(err)
		}
		pool.SetMaxIdleConns(0) // closes those that the program has changed itself
		pool.SetMaxIdleConns(5)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		for _, after := range sessions() {
			if after != before {
				t.Errorf("a session was\n%s\nand is\n%s", before, after)
			}
		}
	})
}

// Read-only nothing is written, by the program's own handle neither, and a database without tables is empty.
func TestLentReadOnly(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		at := k.URL(t)
		host := usual(t, k, at, 5)
		empty := openLent(t, store.Options{Gorm: host, ReadOnly: true})
		if states, err := empty.States(t.Context()); err != nil || len(states) != 0 || !empty.Absent() {
			t.Errorf("%v, %v", states, err)
		}
		writes := openLent(t, store.Options{Gorm: host})
		if err := host.Migrator().CreateTable(&invoice{}); err != nil {
			t.Fatal(err)
		}
		other := usual(t, k, at, 5)
		reads := openLent(t, store.Options{Gorm: other, ReadOnly: true})
		if err := reads.DB().Create(&invoice{"x"}).Error; err == nil {
			t.Error("the program's handle writes")
		}
		if err := writes.DB().Create(&invoice{"x"}).Error; err != nil {
			t.Error(err)
		}
		if err := reads.DB().First(&invoice{}, &invoice{"x"}).Error; err != nil {
			t.Error(err)
		}
		if err := other.Create(&invoice{"y"}).Error; err != nil {
			t.Errorf("the program's own handle was changed: %v", err)
		}
	})
}
