package alerts

import (
	"context"
	"slices"

	"gorm.io/gorm"
)

// Database is what the store gives to this package.
type Database interface {
	// Read returns a handle for one read.
	Read(ctx context.Context) *gorm.DB
	// Now is the clock of leases, in UTC milliseconds.
	Now(ctx context.Context) (int64, error)
	// Explain turns an error of the driver into a sentence with a remedy.
	Explain(err error) error
	// Write has run called in a transaction, together with other writes of about so many rows. A transaction that did
	// not commit is carried out again from the start.
	Write(ctx context.Context, kind string, rows int, run func(Tx) error) error
}

// Tx is a transaction of [Database.Write].
type Tx interface {
	// DB returns a handle on the transaction.
	DB() *gorm.DB
	// Now is the clock of leases, in UTC milliseconds.
	Now() int64
	// Fail ends the transaction, unless err is nil.
	Fail(err error)
	// Err is the first error given to Fail.
	Err() error
}

// Store keeps alerts and silences.
type Store struct{ db Database }

// New returns a Store on the database.
func New(db Database) *Store { return &Store{db} }

// alertRows bounds the rows of one statement.
const alertRows = 100

// among returns which of the values the column has, in rows that meet the condition.
func among(t Tx, model any, column, where string, values []string) map[string]bool {
	found := map[string]bool{}
	for some := range slices.Chunk(values, alertRows) {
		var list []string
		t.Fail(t.DB().Model(model).Where(where, some).Pluck(column, &list).Error)
		for _, v := range list {
			found[v] = true
		}
	}
	return found
}
