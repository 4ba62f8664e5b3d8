package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// conn is a transaction whose statements and texts take the form that the dialect wants.
type conn struct {
	*sql.Tx
	sql   *statements
	heard func(query string)
}

// ExecContext implements querier, and gorm's ConnPool.
func (c conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return c.Tx.ExecContext(ctx, c.bound(query), c.sql.fit(args)...)
}

// QueryContext implements querier, and gorm's ConnPool.
func (c conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.Tx.QueryContext(ctx, c.bound(query), c.sql.fit(args)...)
}

// QueryRowContext implements querier, and gorm's ConnPool.
func (c conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return c.Tx.QueryRowContext(ctx, c.bound(query), c.sql.fit(args)...)
}

func (c conn) bound(query string) string {
	if c.heard != nil {
		c.heard(query)
	}
	return c.sql.bound(query)
}

func (s *statements) bound(query string) string {
	if s.bind == nil {
		return query
	}
	return s.bind(query)
}

// fit makes every text among the parameters one that the database takes. What a job logs must not
// be able to keep its end from being recorded.
func (s *statements) fit(args []any) []any {
	if s.text == nil {
		return args
	}
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = s.text(v)
		case []string:
			for k := range v {
				v[k] = s.text(v[k])
			}
		case []*string:
			for _, p := range v {
				if p != nil {
					*p = s.text(*p)
				}
			}
		case sql.NullString:
			v.String = s.text(v.String)
			args[i] = v
		}
	}
	return args
}

// plainText is a text as UTF-8 without NUL bytes, which Postgres has no way to keep.
func plainText(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// numbered returns a function that turns ? into $1, $2 and so on. No statement here has a question mark in a
// text of its own.
func numbered() func(string) string {
	var cache sync.Map
	return func(query string) string {
		if strings.IndexByte(query, '?') < 0 {
			return query
		}
		if q, ok := cache.Load(query); ok {
			return q.(string)
		}
		var b strings.Builder
		n := 0
		for _, c := range query {
			if c == '?' {
				n++
				b.WriteByte('$')
				b.WriteString(strconv.Itoa(n))
			} else {
				b.WriteRune(c)
			}
		}
		cache.Store(query, b.String())
		return b.String()
	}
}
