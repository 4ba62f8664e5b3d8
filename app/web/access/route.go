package access

import (
	"strconv"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/tokens"
)

// Route is one row of what is served. The row says who may call it, so that no prefix, no mounting and no spelling
// of a path leads around that.
type Route struct {
	Method, Path string // below the prefix that it is mounted under
	Role         Role   // the least that a caller must be
	Handler      fiber.Handler
	Forms        Forms
	Page         bool // errors are shown as a page of the dashboard
	// Lines says that the body is JSON lines of any size, which the handler reads itself.
	Lines bool
}

// ImportPath is the path of the one route with Lines, below the prefix that it is mounted under.
const ImportPath = "/crons/schedules/import"

// Role is what a caller may do.
type Role = tokens.Role

// The roles.
const (
	Nobody   = tokens.Nobody
	Viewer   = tokens.Viewer
	Operator = tokens.Operator
)

// Refusal is why a request is not let in.
type Refusal struct {
	Status     int
	Detail     string        // for the caller
	RetryAfter time.Duration // not 0: it may be asked again then
	Login      bool          // a person in a browser has not logged in
}

func (r *Refusal) Error() string { return strconv.Itoa(r.Status) + " " + r.Detail }

func refuse(status int, detail string) *Refusal { return &Refusal{Status: status, Detail: detail} }

// Forms says whether a body may come as browsers send forms, which a foreign page can send as well.
type Forms int

// The kinds of [Forms].
const (
	NoForms      Forms = iota
	AnyForms           // the login, which carries its own credential
	BrowserForms       // from browsers that say which page sent it
)
