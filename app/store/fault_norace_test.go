//go:build !race

package store_test

// underRace says that the race detector is on.
const underRace = false
