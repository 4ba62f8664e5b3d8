package db

import "sync"

// schemes maps the schemes of URLs to the parts that open them.
var schemes = map[string]string{"sqlite": "sqlite", "postgres": "postgres", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}

// Parser makes the dialect of [Options].URL. Its errors begin with "open store: " and show nothing of the URL that may
// be a password.
type Parser func(o Options) (Dialect, error)

// parsers are those of the parts in this build. Only init writes here.
var parsers sync.Map // name -> Parser

// Register has [Open] use the parser for the URLs of the part sqlite, postgres or mysql. Call it in init.
func Register(part string, parse Parser) { parsers.Store(part, parse) }

func parserOf(part string) Parser {
	if p, ok := parsers.Load(part); ok {
		return p.(Parser)
	}
	return nil
}
