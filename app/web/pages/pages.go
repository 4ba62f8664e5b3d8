package pages

import (
	"fibercrons/app"
	"fibercrons/app/web/access"
)

// Pages is the handlers of an application's dashboard and login.
type Pages struct {
	app    *app.App
	access *access.Control
	day    day
}

// New returns the pages of a.
func New(a *app.App, control *access.Control) *Pages { return &Pages{app: a, access: control} }
