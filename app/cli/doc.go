// Package cli is the program cmd/cli: it lists the jobs, says when they run next and what they did, and runs, pauses or
// cancels them. It works on the server's database, with or without a running server, and with the same jobs, which are
// compiled in.
//
// A command returns an error, and [Main] prints it as one sentence with its remedy and turns it into the exit status
// (exit.go). Commands that only ask about jobs open no database, and commands that only read create none.
//
// # Files, in reading order
//
//	cli.go program.go                          the table of commands; what all of them use
//	command.go exit.go                         arguments and flags; exit statuses
//	list.go show.go next.go explain.go fields.go   jobs and their schedules
//	history.go logs.go timeline.go status.go   what happened
//	run_job.go backfill.go                     running a job here
//	control.go alert.go                        pause, resume, cancel; alerts and silences
//	schedule.go schedule_files.go              stored schedules
//	new.go check.go doubts.go                  source, with package source
//	develop.go                                 init, rename, update and dev, with packages template and dev
//	migrate.go export.go version.go            tables; files for other programs; the build
//
// Package term writes what a command has found.
package cli
