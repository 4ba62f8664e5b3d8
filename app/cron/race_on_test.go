//go:build race

package cron_test

// raceEnabled makes what runs for hours of fake time shorter, which the race detector stretches; with
// many timers in a bubble its runtime has crashed now and then (Go 1.26).
const raceEnabled = true
