package web

import (
	"slices"

	"fibercrons/app"
	"fibercrons/app/web/access"
	"fibercrons/app/web/api"
	"fibercrons/app/web/pages"
)

// Table is everything that is served under /crons.
func Table(a *app.App) []access.Route {
	return slices.Concat(pages.New(a, access.New(a.Config, a.Tokens, nil)).Routes(), api.New(a).Routes())
}
