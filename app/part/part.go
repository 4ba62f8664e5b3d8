// Package part knows which optional parts a program is built with.
//
// A part is a package of the template that a program can do without, such as a database's driver or a work queue. It
// registers itself in init, as jobs do. Package app/parts imports those of this program, one blank import a line; a
// line less takes the part, and all that only the part depends on, out of the build.
//
// What uses a part declares the interface that it needs, and a [Kind] from which it gets what the parts have registered.
// Those of package app are here.
//
//	known.go   the parts that there are
//	part.go    the parts of this build; what a setting says that needs another
//	kind.go    a place where parts of one kind register
//	queue.go link.go tracer.go meter.go   the kinds of package app
package part

import (
	"fmt"
	"slices"
	"sync"
)

var built struct {
	sync.Mutex
	names []string
}

// Register says that the part is in this build. Call it in init.
func Register(name string) {
	built.Lock()
	defer built.Unlock()
	if !slices.Contains(built.names, name) {
		built.names = append(built.names, name)
		slices.Sort(built.names)
	}
}

// Built lists the parts of this build, sorted by name.
func Built() []string {
	built.Lock()
	defer built.Unlock()
	return slices.Clone(built.names)
}

// Missing is the mistake of a setting that needs a part which is not in this build.
func Missing(variable, name string) error {
	return fmt.Errorf("%s needs the part %q, which this program is built without: add it with go run ./cmd/cli add %s", variable, name, name)
}
