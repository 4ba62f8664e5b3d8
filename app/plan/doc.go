// Package plan decides which slots a job has and what happens to each. All functions are pure: they depend only on the
// job, its timetable and the time. Package scheduler carries out the decisions.
package plan
