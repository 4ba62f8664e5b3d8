package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	gormpg "gorm.io/driver/postgres"
	"gorm.io/gorm"

	"fibercrons/app/part"
	"fibercrons/app/store/db"
	"fibercrons/app/store/remote"
)

func init() {
	part.Register("postgres")
	db.Register("postgres", parse)
}

// dialect is that of a PostgreSQL database, or the schema of it that search_path names.
type dialect struct {
	remote.Server
	config     *pgx.ConnConfig
	searchPath string // of the URL; empty: the user's or the database's own
	readOnly   bool
	lent       *sql.DB // another program's pool, instead of config
}

const oldest = 120000 // PostgreSQL 12

// parse reads a URL. Its parameters are libpq's and the server's (sslmode, search_path,
// connect_timeout and so on), and pass through.
func parse(o db.Options) (db.Dialect, error) {
	if o.Gorm != nil {
		lent, err := remote.Pool(o.Gorm)
		return &dialect{Server: remote.Server{Lent: true}, lent: lent, readOnly: o.ReadOnly}, err
	}
	config, err := pgx.ParseConfig(o.URL)
	if err != nil { // it quotes the URL
		return nil, errors.New("open store: DATABASE_URL is not a PostgreSQL URL: use postgres://user:password@host:5432/name, " +
			"with percent codes for special characters in the password, and check the parameters after the question mark")
	}
	if config.Database == "" {
		config.Database = config.User // as libpq does
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = remote.DialWait
	}
	// Cache descriptions in this process: prepared statements would belong to the session.
	if config.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	// Most poolers refuse it as a parameter of the connection.
	searchPath := config.RuntimeParams["search_path"]
	delete(config.RuntimeParams, "search_path")
	fatal := config.OnPgError
	config.OnPgError = func(c *pgconn.PgConn, err *pgconn.PgError) bool {
		// After a fail-over the server may still be there, as a standby: connect anew.
		return err.Code != pgReadOnly && fatal(c, err)
	}
	return &dialect{Server: remote.Server{At: address(config), Name: config.Database, User: config.User}, readOnly: o.ReadOnly, config: config, searchPath: searchPath}, nil
}

// pool is of connections whose transactions begin with begin and the settings.
func (d *dialect) pool(size int, limit time.Duration, begin string, settings ...setting) *sql.DB {
	config := d.config.Copy()
	config.DialFunc = remote.Dial(limit)
	connector := stdlib.GetConnector(*config)
	if begin != "BEGIN" || len(settings) > 0 || d.searchPath != "" {
		connector = localConnector{Connector: connector, begin: begin, local: d.local(settings)}
	}
	return remote.Limit(sql.OpenDB(connector), size)
}

// local sets them, and the search path, for a transaction.
func (d *dialect) local(settings []setting) string {
	if d.searchPath != "" {
		settings = append(slices.Clone(settings), setting{"search_path", pgText(d.searchPath)})
	}
	return localSQL(settings)
}

// Connect implements [db.Dialect].
func (d *dialect) Connect(ctx context.Context) (db.Pools, error) {
	// db.Statements are short, and compiling one to machine code takes longer than carrying it out.
	limits := []setting{
		{"jit", pgText("off")}, {"statement_timeout", pgMillis(remote.StatementTimeout)}, {"lock_timeout", pgMillis(remote.LockTimeout)},
		{"idle_in_transaction_session_timeout", pgMillis(remote.IdleTimeout)},
	}
	if d.config != nil && d.config.RuntimeParams["application_name"] == "" { // for the transaction: a pooler would keep it for the next client
		limits = append(limits, setting{"application_name", pgText("fibercrons")})
	}
	const looking = "BEGIN READ ONLY"
	// Statistics lag behind a table that grows from nothing, and a plan is kept for long: no sequential scans. A commit
	// waits for the disk, whatever the server's default.
	writing := append(slices.Clone(limits), setting{"enable_seqscan", pgText("off")}, setting{"synchronous_commit", durable})
	var p db.Pools
	if d.lent != nil {
		return d.openLent(ctx, limits, writing)
	}
	p.Reads = d.pool(remote.Readers, remote.NetworkTimeout, looking, limits...)
	if d.readOnly {
		p.Writes = p.Reads
		p.Users = d.pool(remote.Users, 0, looking)
	} else {
		p.Writes = d.pool(remote.Writers, remote.NetworkTimeout, "BEGIN", writing...)
		p.Users = d.pool(remote.Users, 0, "BEGIN")
		p.Changes = p.Users
	}
	return p, d.check(ctx, p.Writes)
}

// openLent opens pools on another program's. Its transactions say all that another program may have set for the session.
func (d *dialect) openLent(ctx context.Context, limits, writing []setting) (p db.Pools, err error) {
	if err := d.locate(ctx); err != nil {
		return p, err
	}
	connector := func(begin string, settings []setting) driver.Connector {
		return localConnector{lent: d.lent, begin: begin, local: d.local(settings)}
	}
	reads := connector("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY", limits)
	if d.readOnly {
		p = remote.LentPools(nil, reads, nil)
	} else {
		const begin = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
		p = remote.LentPools(connector(begin, writing), reads, connector(begin, nil))
	}
	return p, d.check(ctx, p.Writes)
}

// locate finds out where a lent pool leads to. The schema of that moment is then named in each transaction.
func (d *dialect) locate(ctx context.Context) error {
	c, back, err := remote.Borrow[*stdlib.Conn](ctx, d.lent)
	if err != nil {
		return err
	}
	defer back(false) //nolint:errcheck // its pool sees to it
	config := c.Conn().Config()
	d.At, d.Name, d.User = address(config), config.Database, config.User
	var schema sql.NullString
	if err := c.Conn().QueryRow(ctx, "SELECT quote_ident(current_schema())").Scan(&schema); err != nil {
		return err
	}
	if d.searchPath = schema.String; !schema.Valid {
		return d.Sentence(nil, "has no schema to create tables in: create the one that search_path names")
	}
	return nil
}

// address is host:port, or the folder of a socket.
func address(config *pgx.ConnConfig) string {
	if strings.HasPrefix(config.Host, "/") {
		return config.Host
	}
	return net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port)))
}

// check refuses servers and databases that the store does not work on.
func (d *dialect) check(ctx context.Context, q db.Querier) error {
	var version int
	var encoding string
	err := q.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')").Scan(&version, &encoding)
	switch {
	case err != nil:
	case version < oldest:
		err = d.Sentence(nil, "is on PostgreSQL %d, which is too old: use version %d or newer", version/10000, oldest/10000)
	case encoding != "UTF8":
		err = d.Sentence(nil, "has the encoding %s: create one with ENCODING 'UTF8'", encoding)
	default:
		err = d.checkSchema(ctx, q)
	}
	return err
}

// checkSchema checks the schema that tables are created in, which is the first of the search_path that exists. It must
// be the one that was meant: in another, all jobs would start without history.
func (d *dialect) checkSchema(ctx context.Context, q db.Querier) error {
	var have, other sql.NullString
	// Tables of this program in a schema that comes later.
	err := q.QueryRowContext(ctx, `SELECT current_schema(), (
		SELECT MIN(n.nspname::text) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relname = 'job_runs' AND n.nspname = ANY (current_schemas(false))
			AND (SELECT COUNT(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('data_slot', 'triggered_by', 'lease_until')) = 3
			AND NOT EXISTS (SELECT 1 FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace WHERE o.relname = 'job_runs' AND m.nspname = current_schema()))`).
		Scan(&have, &other)
	want := firstSchema(d.searchPath)
	switch {
	case err != nil:
		return err
	case want != "" && have.String != want:
		return d.Sentence(nil, "has no schema %q that user %q may use: CREATE SCHEMA, GRANT CREATE, USAGE ON it, or correct search_path in DATABASE_URL", want, d.User)
	case want == "" && other.Valid:
		return d.Sentence(nil, "has the tables of this program in schema %q, and new ones would be made in %q: say which one is meant, such as ?search_path=%s in DATABASE_URL", other.String, have.String, other.String)
	}
	return nil
}

var quotedName = regexp.MustCompile(`^"((?:[^"]|"")*)"`)

// firstSchema is the first name of a search_path. Empty: the database's own choice, or the user's.
func firstSchema(path string) string {
	path = strings.TrimSpace(path)
	name, _, _ := strings.Cut(path, ",")
	name = strings.ToLower(strings.TrimSpace(name))
	if m := quotedName.FindStringSubmatch(path); m != nil {
		name = strings.ReplaceAll(m[1], `""`, `"`)
	}
	if name == "$user" {
		return ""
	}
	return name
}

// Gorm implements [db.Dialect].
func (d *dialect) Gorm(pool gorm.ConnPool) gorm.Dialector {
	return gormpg.New(gormpg.Config{Conn: pool})
}

// Migrations implements [db.Dialect].
func (d *dialect) Migrations() []db.Migration { return migrations }

// Lock implements [db.Dialect] by an advisory lock on the database and schema, which ends with the transaction.
func (d *dialect) Lock(ctx context.Context, pool *sql.DB) (db.Step, error) {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	// A large table may take long to change.
	_, err = tx.ExecContext(ctx, fmt.Sprintf("SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '%d', true)", remote.MigrationWait.Milliseconds()))
	if err == nil {
		_, err = tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtext('fibercrons migration'), hashtext(current_schema()))")
	}
	if err != nil {
		_ = tx.Rollback() // the first error counts
		return nil, err
	}
	return tx, nil
}

// Piecemeal implements [db.Dialect].
func (d *dialect) Piecemeal() bool { return false }

// Done implements [db.Dialect].
func (d *dialect) Done(error) bool { return false }

// Relations implements [db.Dialect]. It searches the current schema only: the rest of the search_path may be another
// program's. Types share the namespace of tables.
func (d *dialect) Relations(ctx context.Context, q db.Querier, names []string) (map[string]db.Relation, error) {
	return db.ReadRelations(ctx, q, func(s string) string { return s }, `
		SELECT c.relname::text, CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'i' THEN 'index'
			WHEN 'S' THEN 'sequence' ELSE 'relation' END, a.attname::text
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
		WHERE n.nspname = current_schema() AND c.relname = ANY ($1::text[]::name[])
		UNION ALL SELECT t.typname::text, 'type', NULL FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
		WHERE t.typrelid = 0 AND n.nspname = current_schema() AND t.typname = ANY ($1::text[]::name[])`, names)
}

// Rename implements [db.Dialect]. It also renames the indexes, those of constraints included, and the sequence of an
// identity.
func (d *dialect) Rename(ctx context.Context, tx db.Step, from, to []string, _ []db.Migration) error {
	for i, old := range from {
		belongings, err := db.OneColumn(ctx, tx, `
			SELECT format('ALTER %s %I RENAME TO %I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'INDEX' END, c.relname, n.name)
			FROM pg_class c, LATERAL (SELECT $2::text || substr(c.relname, length($1::text) + 1) AS name) n
			WHERE c.relnamespace = quote_ident(current_schema())::regnamespace AND starts_with(c.relname::text, $1::text || '_')
				AND NOT EXISTS (SELECT 1 FROM pg_class o WHERE o.relnamespace = c.relnamespace AND o.relname = n.name)
				AND (c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = ($1::text)::regclass)
				OR c.relkind = 'S' AND c.oid IN (SELECT objid FROM pg_depend WHERE refobjid = ($1::text)::regclass AND deptype = 'i'))`, old, to[i])
		if err != nil {
			return err
		}
		for _, q := range append(belongings, "ALTER TABLE "+old+" RENAME TO "+to[i]) {
			if _, err := tx.ExecContext(ctx, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// Elsewhere implements [db.Dialect].
func (d *dialect) Elsewhere() string {
	return "give this program a schema of its own: CREATE SCHEMA crons, and ?search_path=crons in DATABASE_URL"
}

// Now implements [db.Dialect] by the server's clock.
func (d *dialect) Now(ctx context.Context, q db.Querier) (int64, error) {
	var now int64
	err := q.QueryRowContext(ctx, "SELECT "+pgClock).Scan(&now)
	return now, err
}

// Statements implements [db.Dialect].
func (d *dialect) Statements() *db.Statements { return &statements }

// Version implements [db.Stamper] by a number that changes whenever a transaction that writes begins or ends: two
// snapshots that read the same see the same rows. (The end of the write-ahead log would change before its commit can
// be seen.)
func (d *dialect) Version(ctx context.Context, conn db.Querier) (int64, error) {
	var snapshot string
	if err := conn.QueryRowContext(ctx, "SELECT txid_current_snapshot()::text").Scan(&snapshot); err != nil {
		return 0, err
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(snapshot))  // cannot fail
	return int64(h.Sum64() >> 1), nil //nolint:gosec // 63 bits
}

// Explain implements [db.Dialect].
func (d *dialect) Explain(err error) error { return explain(&d.Server, err) }

// Class implements [db.Dialect].
func (d *dialect) Class(err error) db.Class { return classOf(err) }
