//go:build !race

package crontest

// UnderRace reports that the race detector is on, which makes everything several times slower.
const UnderRace = false
