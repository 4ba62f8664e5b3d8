package ops

// StatsOf is stats, for tests.
var StatsOf = stats
