// Package feed is the stream of changes to jobs and runs. All changes come from the store, so the stream is the same in
// every process. feed.go polls the store while there are subscribers; changes.go compares each poll with the last. If a
// reader is too slow, or too much happened, the stream says that events were missed.
package feed
