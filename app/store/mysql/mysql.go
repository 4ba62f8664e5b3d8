package mysql

import (
	"cmp"
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	gormmy "gorm.io/driver/mysql"
	"gorm.io/gorm"

	"fibercrons/app/part"
	"fibercrons/app/store/db"
	"fibercrons/app/store/remote"
)

func init() {
	part.Register("mysql")
	db.Register("mysql", parse)
}

// dialect is that of a MySQL or MariaDB database.
type dialect struct {
	remote.Server
	ours, users *mysql.Config
	lent        *sql.DB // another program's pool, instead of ours and users
	readOnly    bool
}

// ourParams are the parameters of a URL that say how to connect. The others change what statements mean,
// and are for the user's own connections only.
var ourParams = []string{
	"tls", "timeout", "serverPubKey", "connectionAttributes", "maxAllowedPacket", "allowNativePasswords",
	"allowCleartextPasswords", "allowOldPasswords", "allowFallbackToPlaintext", "compress", "rejectReadOnly",
}

// parse reads a URL, the parameters of which are those of the driver
// (https://github.com/go-sql-driver/mysql#parameters).
func parse(o db.Options) (db.Dialect, error) {
	if o.Gorm != nil {
		lent, err := remote.Pool(o.Gorm)
		return &dialect{Server: remote.Server{Lent: true}, lent: lent, readOnly: o.ReadOnly}, err
	}
	wrong := errors.New("open store: DATABASE_URL is not a MySQL URL: use mysql://user:password@host:3306/name, " +
		"with percent codes for special characters in the password, and check the parameters after the question mark")
	u, err := url.Parse(o.URL)
	if err != nil { // it quotes the URL
		return nil, wrong
	}
	name := strings.TrimPrefix(u.Path, "/")
	params, err := parseMyParams(u.Query())
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" && params.socket == "" || name == "" || u.User == nil {
		return nil, wrong
	}
	port := u.Port()
	if port == "" {
		port = "3306"
	}
	at := cmp.Or(params.socket, net.JoinHostPort(u.Hostname(), port))
	all := params.driver
	ours := url.Values{}
	for _, p := range ourParams {
		if all.Has(p) {
			ours.Set(p, all.Get(p))
		}
	}
	if !all.Has("parseTime") {
		all.Set("parseTime", "true") // without, a time.Time in a model cannot be read
	}
	d := &dialect{Server: remote.Server{At: at, Name: name, User: u.User.Username()}, readOnly: o.ReadOnly}
	if d.ours, err = myConfig(u, at, name, params, ours); err != nil {
		return nil, wrong
	}
	if d.users, err = myConfig(u, at, name, params, all); err != nil {
		return nil, wrong
	}
	d.users.DialFunc = remote.Dial(0)
	d.ours.DialFunc = remote.Dial(remote.NetworkTimeout)
	d.ours.InterpolateParams = true // instead of preparing each statement for its one use
	d.ours.Collation = "utf8mb4_bin"
	d.ours.Params = maps.Clone(ourVariables)
	return d, nil
}

// ourVariables are those of the store's sessions.
var ourVariables = map[string]string{
	"sql_mode":                 "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
	"time_zone":                "'+00:00'",
	"innodb_lock_wait_timeout": strconv.Itoa(int(remote.LockTimeout.Seconds())),
	// The server closes a connection that has been silent for so long, and rolls its transaction back.
	"wait_timeout": strconv.Itoa(int(remote.IdleTimeout.Seconds())),
}

func myConfig(u *url.URL, at, name string, p myParams, driver url.Values) (*mysql.Config, error) {
	network := "tcp"
	if p.socket != "" {
		network = "unix"
	}
	config, err := mysql.ParseDSN(network + "(" + at + ")/" + url.PathEscape(name) + "?" + driver.Encode())
	if err != nil {
		return nil, err
	}
	if p.tls != nil {
		config.TLS = p.tls.Clone()
	}
	config.User = u.User.Username()
	config.Passwd, _ = u.User.Password()
	config.Logger = &mysql.NopLogger{} // what fails is returned
	if config.Timeout == 0 {
		config.Timeout = remote.DialWait
	}
	return config, nil
}

// initConnector carries out some statements on each new connection.
type initConnector struct {
	driver.Connector
	with []string
}

// Connect implements [driver.Connector].
func (b initConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := b.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	for _, q := range b.with {
		if _, err := c.(driver.ExecerContext).ExecContext(ctx, q, nil); err != nil {
			_ = c.Close() // the first error counts
			return nil, err
		}
	}
	return fresh(c)
}

// lentConnector takes connections out of another program's pool and sets them up as the store's own. They do not go
// back: that pool closes them when they are returned.
type lentConnector struct {
	pool *sql.DB
	with []string
}

// Driver implements [driver.Connector].
func (l lentConnector) Driver() driver.Driver { return l.pool.Driver() }

// Connect implements [driver.Connector].
func (l lentConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, back, err := remote.Borrow[myConn](ctx, l.pool)
	if err != nil {
		return nil, err
	}
	for _, q := range l.with {
		if _, err := c.ExecContext(ctx, q, nil); err != nil {
			_ = back(true) // the first error counts
			return nil, err
		}
	}
	return &freshConn{myConn: c, back: back}, nil
}

func (d *dialect) pool(size int, config *mysql.Config, with ...string) (*sql.DB, error) {
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return remote.Limit(sql.OpenDB(initConnector{connector, with}), size), nil
}

// Connect implements [db.Dialect].
func (d *dialect) Connect(ctx context.Context) (p db.Pools, err error) {
	const (
		committed = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
		looking   = "SET SESSION TRANSACTION READ ONLY"
	)
	if d.lent != nil {
		return d.openLent(ctx, committed, looking)
	}
	if p.Reads, err = d.pool(remote.Readers, d.ours, committed, looking); err != nil {
		return p, err
	}
	if d.readOnly {
		p.Writes = p.Reads
		p.Users, err = d.pool(remote.Users, d.users, looking)
	} else {
		if p.Writes, err = d.pool(remote.Writers, d.ours, committed); err != nil {
			return p, err
		}
		p.Users, err = d.pool(remote.Users, d.users)
		p.Changes = p.Users
	}
	if err != nil {
		return p, err
	}
	for _, ours := range []*sql.DB{p.Reads, p.Writes} {
		ours.SetConnMaxIdleTime(remote.IdleTimeout / 2)
	}
	return p, d.checkVersion(ctx, p.Writes)
}

// openLent opens pools on another program's.
func (d *dialect) openLent(ctx context.Context, committed, looking string) (p db.Pools, err error) {
	if err := d.locate(ctx); err != nil {
		return p, err
	}
	changes := []string{
		"USE `" + strings.ReplaceAll(d.Name, "`", "``") + "`", "SET SESSION TRANSACTION READ WRITE",
		"SET NAMES utf8mb4 COLLATE utf8mb4_bin, autocommit = 1, foreign_key_checks = 1, unique_checks = 1, sql_mode = " + ourVariables["sql_mode"],
	}
	var variables []string
	for _, name := range slices.Sorted(maps.Keys(ourVariables)) {
		variables = append(variables, name+" = "+ourVariables[name])
	}
	ours := append(slices.Clone(changes), committed, "SET "+strings.Join(variables, ", "))
	reads := lentConnector{d.lent, append(slices.Clone(ours), looking)}
	if d.readOnly {
		p = remote.LentPools(nil, reads, nil)
	} else {
		p = remote.LentPools(lentConnector{d.lent, ours}, reads, lentConnector{d.lent, changes})
	}
	if err := d.checkVersion(ctx, p.Writes); err != nil {
		return p, err
	}
	return p, d.checkDriver(ctx, p.Reads)
}

// locate finds out where a lent pool leads to.
func (d *dialect) locate(ctx context.Context) error {
	var name sql.NullString
	err := d.lent.QueryRowContext(ctx, "SELECT CONCAT(@@hostname, ':', @@port), DATABASE(), CURRENT_USER()").Scan(&d.At, &name, &d.User)
	if d.Name = name.String; err == nil && !name.Valid {
		err = d.Sentence(nil, "is not chosen: put its name into the DSN that the pool of app.WithGorm was opened with, user:password@tcp(host)/name")
	}
	return err
}

// checkDriver refuses a lent pool that changes what statements mean: its driver's parameters cannot be set from here.
func (d *dialect) checkDriver(ctx context.Context, reads *sql.DB) error {
	c, err := reads.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	prepared := func() (n int) {
		var name string
		if err == nil {
			err = c.QueryRowContext(ctx, "SHOW SESSION STATUS LIKE 'Com_stmt_prepare'").Scan(&name, &n)
		}
		return n
	}
	before := prepared()
	columns, failed := db.ColumnNames(ctx, c, "SELECT v.a FROM (SELECT ? AS a) v", 1)
	err = errors.Join(err, failed)
	after := prepared()
	const remedy = "%s in the DSN that the pool of app.WithGorm was opened with"
	switch {
	case err != nil:
		return err
	case after != before:
		return d.Sentence(nil, "is used with statements that are prepared, each for one use, in which numbers have no type of their own: set "+remedy, "interpolateParams=true")
	case !slices.Equal(columns, []string{"a"}):
		return d.Sentence(nil, "gives columns other names: remove "+remedy, "columnsWithAlias")
	}
	return nil
}

// checkVersion refuses servers without defaults that are expressions, or without SKIP LOCKED.
func (d *dialect) checkVersion(ctx context.Context, q db.Querier) error {
	var version string
	if err := q.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version); err != nil {
		return err
	}
	kind, least := "MySQL", []int{8, 0, 16}
	if strings.Contains(version, "MariaDB") {
		kind, least = "MariaDB", []int{10, 6, 0}
		version = strings.TrimPrefix(version, "5.5.5-") // a prefix for old replicas
	}
	number, _, _ := strings.Cut(version, "-")
	var have []int
	for part := range strings.SplitSeq(number, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		have = append(have, n)
	}
	if len(have) > 0 && slices.Compare(have, least) < 0 {
		return d.Sentence(nil, "is on %s %s, which is too old: use version %d.%d.%d or newer", kind, number, least[0], least[1], least[2])
	}
	return nil
}

// Gorm implements [db.Dialect].
func (d *dialect) Gorm(pool gorm.ConnPool) gorm.Dialector {
	return gormmy.New(gormmy.Config{Conn: pool})
}

// Migrations implements [db.Dialect].
func (d *dialect) Migrations() []db.Migration { return migrations }

// Lock implements [db.Dialect] by a lock with the name of the database, which belongs to its connection.
func (d *dialect) Lock(ctx context.Context, pool *sql.DB) (db.Step, error) {
	c, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256([]byte(d.Name))
	m := &mysqlStep{Conn: c, name: "fibercrons " + hex.EncodeToString(sum[:8])}
	var got sql.NullInt64
	err = c.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", m.name, int(remote.MigrationWait.Seconds())).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = &mysql.MySQLError{Number: myLockWait, Message: "another process is migrating"}
	}
	if err != nil {
		_ = c.Close() // the first error counts
		return nil, err
	}
	return m, nil
}

// mysqlStep is a migration on one connection, which has the lock. Its statements commit by themselves.
type mysqlStep struct {
	*sql.Conn
	name  string
	ended bool
}

// Commit releases the lock. A connection on which that fails is closed, and the lock ends with it.
func (m *mysqlStep) Commit() error {
	if m.ended {
		return sql.ErrTxDone
	}
	m.ended = true
	ctx, cancel := context.WithTimeout(context.Background(), remote.DialWait)
	defer cancel()
	_, err := m.Conn.ExecContext(ctx, "DO RELEASE_LOCK(?)", m.name)
	if err != nil {
		_ = m.Conn.Raw(func(any) error { return driver.ErrBadConn }) // closes it
	}
	return errors.Join(err, m.Conn.Close())
}

// Rollback releases the lock, too. It undoes nothing.
func (m *mysqlStep) Rollback() error { return m.Commit() }

// Piecemeal implements [db.Dialect].
func (d *dialect) Piecemeal() bool { return true }

// Done implements [db.Dialect].
func (d *dialect) Done(err error) bool {
	switch myCode(err) {
	case myTableExists, myColumnExists, myKeyExists, myNothingToDrop:
		return true
	}
	return false
}

// Relations implements [db.Dialect]. It reads the columns only of tables that are recognised by them, each by its
// name: a condition that is not constant would make the server open every table of every database.
func (d *dialect) Relations(ctx context.Context, q db.Querier, names []string) (map[string]db.Relation, error) {
	var folded bool
	if err := q.QueryRowContext(ctx, "SELECT @@lower_case_table_names <> 0").Scan(&folded); err != nil {
		return nil, err
	}
	key := func(s string) string { return s }
	if folded {
		key = strings.ToLower
	}
	found, err := db.ReadRelations(ctx, q, key, "SELECT table_name, CASE table_type WHEN 'BASE TABLE' THEN 'table' WHEN 'VIEW' THEN 'view' ELSE 'relation' END, NULL "+
		"FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN "+db.Tuple(len(names)), db.Args(names)...)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(found, func(name string, _ db.Relation) bool { return !slices.Contains(names, name) }) // but for capitals
	var each []string
	var args []any
	for name, r := range found {
		if r.Kind == "table" && db.Recognizable(name) {
			each = append(each, "SELECT table_name, 'table', column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?")
			args = append(args, name)
		}
	}
	if len(each) == 0 {
		return found, nil
	}
	columns, err := db.ReadRelations(ctx, q, key, strings.Join(each, " UNION ALL "), args...)
	for name, r := range columns {
		if _, there := found[name]; there {
			found[name] = r
		}
	}
	return found, err
}

// Rename implements [db.Dialect] by one statement, which is atomic. Names of indexes are local to their table, and
// stay.
func (d *dialect) Rename(ctx context.Context, tx db.Step, from, to []string, _ []db.Migration) error {
	pairs := make([]string, len(from))
	for i := range from {
		pairs[i] = from[i] + " TO " + to[i]
	}
	_, err := tx.ExecContext(ctx, "RENAME TABLE "+strings.Join(pairs, ", "))
	return err
}

// Elsewhere implements [db.Dialect].
func (d *dialect) Elsewhere() string {
	return "give this program a database of its own: CREATE DATABASE crons, and its name in DATABASE_URL"
}

// Now implements [db.Dialect] by the server's clock.
func (d *dialect) Now(ctx context.Context, q db.Querier) (int64, error) {
	var now int64
	err := q.QueryRowContext(ctx, "SELECT "+myClock).Scan(&now)
	return now, err
}

// Statements implements [db.Dialect].
func (d *dialect) Statements() *db.Statements { return &statements }

// Explain implements [db.Dialect].
func (d *dialect) Explain(err error) error { return explain(&d.Server, err) }

// Class implements [db.Dialect].
func (d *dialect) Class(err error) db.Class { return classOf(err) }
