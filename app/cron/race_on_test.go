//go:build race

package cron_test

// raceEnabled makes what runs for hours of fake time shorter, which the race detector stretches.
const raceEnabled = true
