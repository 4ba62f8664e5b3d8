// Package source reads and rewrites the source of the user's module: its path, the files of its jobs.
//
// # Files, in reading order
//
//	module.go    the module's path, the name of a job's file
//	unbuilt.go   jobs that no build includes
//	paths.go     another path for the module in one text
//	rename.go    and in all of them
//	parts.go     the list of the parts that the program is built with
package source
