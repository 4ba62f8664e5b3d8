package part

import (
	"context"
	"io"
	"time"

	"fibercrons/app/contract"
)

// Link connects processes beside the store.
type Link interface {
	// Start starts what goes on in the background. It does not wait for the server.
	Start()
	// Peers is the link as the scheduler uses it.
	Peers() contract.Peers
	// Ping returns the server's response time.
	Ping(ctx context.Context) (time.Duration, error)
	io.Closer
}

// Links has the part "redis". If replicas have a database each, database is the identity of this one's.
var Links Kind[func(s Setup, database string) (Link, error)]
