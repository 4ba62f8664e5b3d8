//go:build !race

package crontest

const underRace = false
