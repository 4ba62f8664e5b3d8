package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// serve registers the rows of table, and for each of their paths the methods that no row has.
func (m *mount) serve(r fiber.Router, table []access.Route) {
	allowed := make(map[string][]string)
	for _, row := range table {
		methods := []string{row.Method}
		if row.Method == fiber.MethodGet {
			methods = append(methods, fiber.MethodHead)
		}
		for _, method := range methods {
			r.Add(method, row.Path, m.enter(row))
		}
		allowed[row.Path] = append(allowed[row.Path], methods...)
	}
	for _, row := range table {
		if methods, ok := allowed[row.Path]; ok {
			m.others(r, row, allow(methods))
			delete(allowed, row.Path) // once for each path, in the order of the table
		}
	}
}

func allow(methods []string) string {
	methods = append(methods, fiber.MethodOptions)
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

// others answers the methods that no row has for the path.
func (m *mount) others(r fiber.Router, row access.Route, allow string) {
	r.Options(row.Path, m.enter(access.Route{Path: row.Path, Handler: func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return c.SendStatus(fiber.StatusNoContent)
	}}))
	m.rest(r, access.Route{Path: row.Path, Page: row.Page, Handler: func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return fiber.ErrMethodNotAllowed
	}})
}

// rest serves a row for every method. Methods that read need a viewer, others an operator.
func (m *mount) rest(r fiber.Router, row access.Route) {
	row.Role = access.Viewer
	reads := m.enter(row)
	row.Role = access.Operator
	writes := m.enter(row)
	r.All(row.Path, func(c *fiber.Ctx) error {
		if access.IsRead(c) {
			return reads(c)
		}
		return writes(c)
	})
}

// enter is the handler of a row behind its guards.
func (m *mount) enter(row access.Route) fiber.Handler {
	return request.Answered(m.app.Log, m.app.Context, func(c *fiber.Ctx) error {
		m.access.Locate(c, row.Path)
		reply.Secure(c)
		if err := m.access.Guard(c, row); err != nil {
			return err
		}
		err := m.perform(c, row)
		if row.Page {
			return m.pages.Finish(c, err)
		}
		return err
	})
}

func (m *mount) perform(c *fiber.Ctx, row access.Route) error {
	var refused *access.Refusal
	switch err := m.access.Admit(c, row.Role); {
	case errors.Is(err, access.ErrAnswered):
		return nil
	case errors.As(err, &refused) && refused.Login:
		return c.Redirect(access.Base(c)+"/crons/login?next="+url.QueryEscape(access.Path(c)), fiber.StatusSeeOther)
	case err != nil:
		return err
	}
	if row.Role == access.Operator && m.api != nil {
		defer m.api.Changed()
	}
	return row.Handler(c)
}
