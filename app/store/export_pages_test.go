package store

// PageStatements are what the pages ask for beyond what programs do.
func PageStatements() map[string]string {
	return map[string]string{"recent": recentSQL(3), "tally": tallySQL, "spans": spansSQL, "log end": logEndSQL}
}
