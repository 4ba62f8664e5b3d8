// Package term writes what a command has found: tables for people, CSV for spreadsheets, JSON for programs.
//
// # Files, in reading order
//
//	cell.go      one value
//	listing.go   rows of them, in every format
//	table.go     a table that fits the window
package term
