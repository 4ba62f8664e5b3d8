// Package part knows which optional parts a program is built with.
//
// A part is a package of the template that a program can do without, such as a database's driver or a work queue. It
// registers itself in init, as jobs do. Package app/parts imports those of this program, one blank import a line; a
// line less takes the part, and all that only the part depends on, out of the build.
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
