// Package feed is the stream of what happens to jobs and runs. It comes from the store alone, so it is the same in every
// process: feed.go looks at the store while somebody is subscribed, and changes.go says what has changed since the last look.
// What cannot be told, because a reader was too slow or too much happened, is told as missed and never left out in silence.
package feed
