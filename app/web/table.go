package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// route is one row of what is served. Who may call it stands in the row, and the handler that Fiber
// gets asks for it: no prefix, no mounting and no spelling of a path leads around that.
type route struct {
	method, path string
	role         access.Role // the least that a caller must be
	handler      fiber.Handler
	forms        access.Forms
	page         bool // errors are shown as a page of the dashboard
}

// secureHeaders are those of every answer under /crons, pages included: nothing from elsewhere, in
// no frame, kept by nobody. There are no CORS headers, so no other origin can read an answer.
func secureHeaders(c *fiber.Ctx) {
	c.Set(fiber.HeaderContentSecurityPolicy, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	c.Set(fiber.HeaderXContentTypeOptions, "nosniff")
	c.Set(fiber.HeaderXFrameOptions, "DENY")
	// Not no-referrer: under it a browser sends "Origin: null" with our own forms.
	c.Set(fiber.HeaderReferrerPolicy, "same-origin")
	c.Set("Cross-Origin-Opener-Policy", "same-origin")
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	c.Set(fiber.HeaderCacheControl, "no-store")
}

// serve registers the rows of table, and for each of their paths the methods that no row has.
func (s *Server) serve(r fiber.Router, table []route) {
	allowed := make(map[string][]string)
	for _, row := range table {
		methods := []string{row.method}
		if row.method == fiber.MethodGet {
			methods = append(methods, fiber.MethodHead)
		}
		for _, method := range methods {
			r.Add(method, row.path, s.enter(row))
		}
		allowed[row.path] = append(allowed[row.path], methods...)
	}
	for _, row := range table {
		if methods, ok := allowed[row.path]; ok {
			s.others(r, row, allow(methods))
			delete(allowed, row.path) // once for each path, in the order of the table
		}
	}
}

func allow(methods []string) string {
	methods = append(methods, fiber.MethodOptions)
	slices.Sort(methods)
	return strings.Join(slices.Compact(methods), ", ")
}

// others answers the methods that the path of row does not have.
func (s *Server) others(r fiber.Router, row route, allow string) {
	r.Options(row.path, s.enter(route{role: access.Nobody, handler: func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return c.SendStatus(fiber.StatusNoContent)
	}}))
	s.rest(r, row.path, row.page, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return fiber.ErrMethodNotAllowed
	})
}

// rest registers handler for every method at path: viewers may ask, and operators may try to change.
func (s *Server) rest(r fiber.Router, path string, page bool, handler fiber.Handler) {
	reads := s.enter(route{role: access.Viewer, handler: handler, page: page})
	writes := s.enter(route{role: access.Operator, handler: handler, page: page})
	r.All(path, func(c *fiber.Ctx) error {
		if access.IsRead(c) {
			return reads(c)
		}
		return writes(c)
	})
}

// enter is the handler of r behind its guards.
func (s *Server) enter(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		secureHeaders(c)
		if err := s.access.Guard(c, r.forms); err != nil {
			return err
		}
		err := s.perform(c, r)
		if r.page {
			return s.asPage(c, err)
		}
		return err
	}
}

func (s *Server) perform(c *fiber.Ctx, r route) error {
	var refused *access.Refusal
	if err := s.access.Admit(c, r.role); errors.As(err, &refused) && refused.Login {
		return c.Redirect("/crons/login?next="+url.QueryEscape(c.Path()), fiber.StatusSeeOther)
	} else if err != nil {
		return err
	}
	if r.role == access.Operator {
		defer s.lists.changed()
	}
	return r.handler(c)
}
