// Package bench compares the template with its peers. It is a module of its own,
// so that they are never dependencies of the template:
//
//	cd app/bench && go test -bench .
package bench
