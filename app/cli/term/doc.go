// Package term writes what a command has found: tables for people, CSV for spreadsheets, JSON for programs.
//
// # Files, in reading order
//
//	print.go   a listing in every format; JSON; facts about one thing
//	table.go   listings, and a table that fits the window
//	cell.go    one value
package term
