package river

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"fibercrons/app/contract"
)

// Kind is the kind of every job that this package inserts, and Queue its queue.
const (
	Kind  = "fibercrons.run"
	Queue = "fibercrons"
)

// Options configure an [Executor].
type Options struct {
	// URL of the Postgres database, postgres://user:password@host:port/name.
	URL string
	// Workers is the maximum number of concurrent runs in this process. Optional. Default: 64.
	Workers int
	// Rescue is the time after which a running job is checked. Optional. Default: 1 min.
	Rescue time.Duration
	// Grace limits the recording of jobs in River when work stops. Optional. Default: 10 s.
	Grace time.Duration
	// Log is River's log. Optional. Default: slog.Default().
	Log *slog.Logger
}

// Executor is a [contract.Executor]. It is safe for concurrent use.
type Executor struct {
	o      Options
	pool   *pgxpool.Pool
	insert *river.Client[pgx.Tx] // only inserts
	schema string                // of River's tables; empty: the database's default
	pooled bool                  // the connections go through a pooler
}

var _ contract.Executor = (*Executor)(nil)

// connections is the size of River's pool: to fetch, insert, record ends, listen and lead.
const connections = 8

// Open connects to the database and migrates River's tables.
func Open(ctx context.Context, o Options) (*Executor, error) {
	o.Workers, o.Rescue, o.Grace = cmp.Or(o.Workers, 64), cmp.Or(o.Rescue, time.Minute), cmp.Or(o.Grace, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	o.Log = slog.New(quiet{o.Log.Handler()})
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil { // its text may hold the URL
		return nil, errors.New("open river: DATABASE_URL is invalid for River; use postgres://user:password@host:port/name")
	}
	cfg.MaxConns = connections
	// A pooler in transaction mode shares sessions with other programs, so nothing is prepared or set in them.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	schema, _, _ := strings.Cut(cfg.ConnConfig.RuntimeParams["search_path"], ",")
	schema = strings.Trim(strings.TrimSpace(schema), `"`)
	delete(cfg.ConnConfig.RuntimeParams, "search_path")
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open river: %w", err)
	}
	e := &Executor{o: o, pool: pool, schema: schema}
	if err := migrate(ctx, pool, schema, o.Log); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open river: %w", err)
	}
	if e.pooled, err = pooled(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open river: %w", err)
	}
	e.insert, err = river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: o.Log, Schema: schema})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open river: %w", err)
	}
	return e, nil
}

// pooled detects a pooler: the process that answers is not the one that was connected to.
func pooled(ctx context.Context, pool *pgxpool.Pool) (between bool, err error) {
	err = pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		var pid uint32
		err := c.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&pid)
		between = pid != c.Conn().PgConn().PID()
		return err
	})
	return between, err
}

// Close closes the connections. Call it after Work has returned.
func (e *Executor) Close() error {
	e.pool.Close()
	return nil
}

// args are a job's arguments, as shown in River's UI.
type args struct {
	Run     string `json:"run"`
	Job     string `json:"job"`
	Token   int64  `json:"token,string"` // browsers lose digits of large JSON numbers
	Attempt int    `json:"attempt"`
	// Schedule is the run's stored schedule.
	Schedule string `json:"schedule,omitempty"`
}

// Kind implements [river.JobArgs].
func (args) Kind() string { return Kind }

func (a args) ticket() contract.Ticket {
	return contract.Ticket{Run: a.Run, Job: a.Job, Schedule: a.Schedule, Token: a.Token, Attempt: a.Attempt}
}

// live are the states in which a ticket is not inserted again. If a ticket has ended and its run still waits, the run
// needs a new one.
var live = []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled,
}

// Enqueue implements [contract.Executor].
func (e *Executor) Enqueue(ctx context.Context, tickets []contract.Ticket) error {
	many := make([]river.InsertManyParams, 0, len(tickets))
	seen := make(map[args]bool, len(tickets)) // River refuses a batch with duplicates
	for _, t := range tickets {
		a := args{Run: t.Run, Job: t.Job, Schedule: t.Schedule, Token: t.Token, Attempt: t.Attempt}
		if seen[a] {
			continue
		}
		seen[a] = true
		many = append(many, river.InsertManyParams{Args: a, InsertOpts: &river.InsertOpts{
			Queue: Queue, MaxAttempts: 1, Tags: []string{tag(t.Job)}, ScheduledAt: t.NotBefore,
			UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: live},
		}})
	}
	if _, err := e.insert.InsertMany(ctx, many); err != nil {
		return fmt.Errorf("insert into river: %w", err)
	}
	return nil
}

var plain = regexp.MustCompile(`[^a-z0-9_-]`)

// tag returns a job's name as a valid River tag: at least three of letters, digits, _ and -, without - at the end.
func tag(job string) string {
	t := strings.TrimRight(plain.ReplaceAllString(job, "_"), "-")
	if len(t) < 3 {
		t = "job-" + t
	}
	return t
}

// quiet passes only River's warnings and errors.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && q.Handler.Enabled(ctx, l)
}

func (q quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(a)} }
func (q quiet) WithGroup(name string) slog.Handler   { return quiet{q.Handler.WithGroup(name)} }
