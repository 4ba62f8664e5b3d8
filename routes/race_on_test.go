//go:build race

package routes_test

// raceEnabled relaxes bounds of time, which the race detector stretches.
const raceEnabled = true
