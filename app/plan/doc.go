// Package plan says which slots a job has, and what becomes of each: pure functions of a job, a timetable and the time.
// They start nothing and keep nothing; package scheduler carries out what they say.
package plan
