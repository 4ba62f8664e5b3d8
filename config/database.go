package config

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"unicode"
)

// SQLite is the [Database.Driver] of sqlite:// URLs.
const SQLite = "sqlite"

// Database is a parsed DATABASE_URL.
type Database struct {
	// Driver is SQLite; others come with the multi-machine feature.
	Driver string
	// Path is the database file, relative to the working directory or absolute, exactly as it was written. It has no "?":
	// parameters of the connection are the store's.
	Path string
}

var scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// UnmarshalText reads a URL. What follows sqlite:// is a path and nothing else: no percent codes, no host, no
// parameters, so that sqlite://data/crons.db is data/crons.db and sqlite:///srv/crons.db is /srv/crons.db.
func (d *Database) UnmarshalText(text []byte) error {
	url := string(text)
	found := scheme.FindStringSubmatch(url)
	if found == nil {
		// It may be a driver's own notation, user:password@tcp(host)/name, so nothing of it is shown.
		return &problem{what: "not a URL"}
	}
	rest := url[len(found[0]):]
	switch name := strings.ToLower(found[1]); name {
	case "sqlite":
		return d.file(rest)
	case "sqlite3", "file":
		return &problem{what: name + ":// is written sqlite:// here", shown: quoted(found[0] + "...")}
	case "postgres", "postgresql", "mysql", "mariadb":
		return &problem{
			what:   name + ":// is not supported yet: database servers come with the multi-machine feature",
			remedy: "set it to sqlite:// and a file, such as sqlite://data/crons.db, or remove it for the default sqlite://data/crons.db",
			shown:  quoted(found[0] + "..."),
		}
	default:
		return &problem{what: "not a kind of database this program knows", shown: quoted(found[0] + "...")}
	}
}

func (d *Database) file(path string) error {
	before, _, query := strings.Cut(path, "?")
	shown := quoted("sqlite://" + path)
	if query {
		shown = quoted("sqlite://" + before + "?...")
	}
	refuse := func(what string) error { return &problem{what: what, shown: shown} }
	switch {
	case query:
		return refuse("parameters after ? are not accepted, the store sets its own")
	case path == "" || strings.HasSuffix(path, "/") || strings.HasSuffix(path, `\`):
		return refuse("names no file")
	case path == ":memory:":
		return refuse("a database in memory forgets every run at a restart")
	case strings.HasPrefix(strings.ToLower(path), "file:"):
		return refuse("a file: URI inside the URL is not accepted")
	case strings.HasPrefix(path, "~"):
		return refuse("only a shell knows what ~ is, write the folder out")
	case strings.ContainsFunc(path, unicode.IsControl):
		return refuse("holds a control character")
	}
	*d = Database{Driver: SQLite, Path: path}
	return nil
}

// String returns the URL, fit to be shown.
func (d Database) String() string {
	if d.Driver == "" {
		return ""
	}
	return fmt.Sprintf("%s://%s", d.Driver, d.Path)
}

// LogValue is String.
func (d Database) LogValue() slog.Value { return slog.StringValue(d.String()) }
