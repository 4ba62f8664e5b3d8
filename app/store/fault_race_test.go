//go:build race

package store_test

// underRace says that the race detector is on. SQLite is twenty times slower then, and three
// processes cannot write a claim every 20 ms each.
const underRace = true
