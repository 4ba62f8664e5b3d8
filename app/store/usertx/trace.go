package usertx

import (
	"context"
	"errors"

	"gorm.io/gorm"
)

// Span is called when a statement begins. It returns the context for the statement, and a function to call when it has
// ended, or nil.
type Span func(ctx context.Context, operation string) (context.Context, func(system, table, text string, rows int64, err error))

const spanKey = "fibercrons:span"

type openSpan struct {
	before context.Context
	end    func(system, table, text string, rows int64, err error)
}

// register is one of gorm's chains of callbacks, of which each has a type of its own.
type register func(name string, fn func(*gorm.DB)) error

// Trace calls span around every statement on db. A nil span changes nothing.
func Trace(db *gorm.DB, span Span) error {
	if span == nil {
		return nil
	}
	c := db.Callback()
	var errs []error
	around := func(operation string, before, after register) {
		errs = append(errs, before(spanKey+":before", beginSpan(operation, span)), after(spanKey+":after", endSpan))
	}
	around("INSERT", c.Create().Before("*").Register, c.Create().After("*").Register)
	around("SELECT", c.Query().Before("*").Register, c.Query().After("*").Register)
	around("UPDATE", c.Update().Before("*").Register, c.Update().After("*").Register)
	around("DELETE", c.Delete().Before("*").Register, c.Delete().After("*").Register)
	around("SELECT", c.Row().Before("*").Register, c.Row().After("*").Register)
	around("EXEC", c.Raw().Before("*").Register, c.Raw().After("*").Register)
	return errors.Join(errs...)
}

func beginSpan(operation string, span Span) func(*gorm.DB) {
	return func(db *gorm.DB) {
		before := db.Statement.Context
		ctx, done := span(before, operation)
		if done == nil {
			return
		}
		db.Statement.Context = ctx
		db.InstanceSet(spanKey, openSpan{before, done})
	}
}

func endSpan(db *gorm.DB) {
	v, ok := db.InstanceGet(spanKey)
	if !ok {
		return
	}
	open := v.(openSpan)
	db.Statement.Context = open.before
	err := db.Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = nil // an answer
	}
	open.end(db.Name(), db.Statement.Table, db.Statement.SQL.String(), db.RowsAffected, err)
}
