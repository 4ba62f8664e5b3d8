package store

// rules are the comparisons that the guarantees rest on, named so that a test can take one away
// and see that its checks then fail. They are set once, to theRules.
type rules struct {
	fenced  func(have, given int64) bool     // a token that is no longer the row's
	expired func(lease, now int64) bool      // a lease that has run out
	settled func(slot, watermark int64) bool // a slot that may not be claimed again
}

var theRules = rules{
	fenced:  func(have, given int64) bool { return have != given },
	expired: func(lease, now int64) bool { return lease <= now },
	settled: func(slot, watermark int64) bool { return slot <= watermark },
}
