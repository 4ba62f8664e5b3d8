// Package runkey has the key under which a context carries its run.
package runkey

// Key is that key.
type Key struct{}
