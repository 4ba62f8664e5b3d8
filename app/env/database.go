package env

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The values of [Database.Driver].
const (
	SQLite   = "sqlite"   // sqlite://
	Postgres = "postgres" // postgres:// or postgresql://
	MySQL    = "mysql"    // mysql:// or mariadb://
)

// inMemory is the URL of a database that is lost when the process ends.
const inMemory = "sqlite::memory:"

// Database is a parsed DATABASE_URL.
type Database struct {
	// Driver is SQLite, Postgres or MySQL.
	Driver string
	// Path is the database file as written, absolute or relative to the working directory. It has no "?": the store
	// sets the connection parameters. It is :memory: for sqlite::memory:.
	Path string
	// Host is the server, with its port if the URL has one. Name is the database on it.
	Host, Name string
	// URL is the server's URL as written, with user, password and parameters.
	URL Secret
}

// Reveal returns the URL to connect to. It may hold a password.
func (d Database) Reveal() string {
	if d.URL.IsSet() {
		return d.URL.Reveal()
	}
	return d.String()
}

var scheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// UnmarshalText parses a URL, for a server with its driver's parameters. After sqlite:// comes a path without percent
// codes, host or parameters: sqlite://data/crons.db is data/crons.db, sqlite:///srv/crons.db is /srv/crons.db.
func (d *Database) UnmarshalText(text []byte) error {
	whole := string(text)
	if whole == inMemory {
		*d = Database{Driver: SQLite, Path: ":memory:"}
		return nil
	}
	found := scheme.FindStringSubmatch(whole)
	if found == nil {
		// It may be a driver's own notation, user:password@tcp(host)/name, so do not show any of it.
		return &problem{what: "not a URL"}
	}
	rest := whole[len(found[0]):]
	switch name := strings.ToLower(found[1]); name {
	case "sqlite":
		return d.file(rest)
	case "sqlite3", "file":
		return &problem{what: name + ":// is written sqlite:// here", shown: quoted(found[0] + "...")}
	case "postgres", "postgresql":
		return d.server(Postgres, whole, quoted(found[0]+"..."))
	case "mysql", "mariadb":
		return d.server(MySQL, whole, quoted(found[0]+"..."))
	default:
		return &problem{what: "not a supported kind of database", shown: quoted(found[0] + "...")}
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
		return refuse("a database in memory is written " + inMemory + " and forgets every run at a restart")
	case strings.HasPrefix(strings.ToLower(path), "file:"):
		return refuse("a file: URI inside the URL is not accepted")
	case strings.HasPrefix(path, "~"):
		return refuse("~ is not expanded, write the folder out")
	case strings.ContainsFunc(path, unicode.IsControl):
		return refuse("holds a control character")
	}
	*d = Database{Driver: SQLite, Path: path}
	return nil
}

// server parses the URL of a database server. Its errors never show more than the scheme.
func (d *Database) server(driver, whole, shown string) error {
	remedy := "write " + driver + "://user:password@host/name"
	refuse := func(what string) error { return &problem{what: what, remedy: remedy, shown: shown} }
	whole = socketHost(driver, whole)
	u, err := url.Parse(whole)
	if err != nil {
		remedy += ", with percent codes for special characters in the password (%40 for @, %2F for /, %23 for #)"
		return refuse("not a URL")
	}
	name := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Fragment != "" || strings.Contains(whole, "#"):
		remedy += ", with %23 for a # in the password"
		return refuse("holds a #, which ends a URL")
	case u.Hostname() == "" && !onSocket(driver, u.Query()) && u.Query().Get("host") == "":
		return refuse("names no host")
	case name == "" || strings.Contains(name, "/"):
		return refuse("names no database")
	case (u.User == nil || u.User.Username() == "") && (driver != Postgres || u.Query().Get("user") == "" && !onSocket(driver, u.Query())):
		return refuse("names no user")
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return refuse("has parameters that cannot be read")
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		if _, port, err := net.SplitHostPort(host); err == nil {
			if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
				return refuse("names an invalid port")
			}
		}
	}
	*d = Database{Driver: driver, Host: u.Host, Name: name, URL: Secret(whole)}
	return nil
}

// onSocket reports whether the parameters of a URL name a unix socket. PostgreSQL may then take the user from the
// process.
func onSocket(driver string, params url.Values) bool {
	if driver == Postgres {
		return strings.HasPrefix(params.Get("host"), "/")
	}
	return slices.ContainsFunc([]string{"socket", "unix_socket", "unixSocket", "unix-socket"}, params.Has)
}

var encodedSocket = regexp.MustCompile(`^([A-Za-z]+://(?:[^/?#@]*@)?)(%2[Ff][^/?#:@]*)(?::([0-9]+))?(/[^?#]*)?(\?[^#]*)?$`)

// socketHost turns a unix socket in place of the host, postgres://user@%2Frun%2Fpostgresql/name, into a parameter.
// libpq accepts this form, net/url does not.
func socketHost(driver, whole string) string {
	m := encodedSocket.FindStringSubmatch(whole)
	if m == nil {
		return whole
	}
	path, err := url.PathUnescape(m[2])
	if err != nil {
		return whole
	}
	params := "host=" + url.QueryEscape(path)
	if driver == MySQL {
		params = "socket=" + url.QueryEscape(path)
	} else if m[3] != "" {
		params += "&port=" + m[3]
	}
	if rest := strings.TrimPrefix(m[5], "?"); rest != "" {
		params += "&" + rest
	}
	return m[1] + m[4] + "?" + params
}

// String returns the URL to display: for a server without user, password and parameters.
func (d Database) String() string {
	switch d.Driver {
	case "":
		return ""
	case Postgres, MySQL:
		return (&url.URL{Scheme: d.Driver, Host: d.Host, Path: "/" + d.Name}).String()
	}
	if d.Path == ":memory:" {
		return inMemory
	}
	return fmt.Sprintf("%s://%s", d.Driver, d.Path)
}

// LogValue returns String.
func (d Database) LogValue() slog.Value { return slog.StringValue(d.String()) }
