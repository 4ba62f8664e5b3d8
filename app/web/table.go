package web

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// route is one row of what is served. Who may call it stands in the row, and the handler that Fiber
// gets asks for it: no prefix, no mounting and no spelling of a path leads around that.
type route struct {
	method, path string
	role         role // the least that a caller must be
	handler      fiber.Handler
	forms        forms
	page         bool // errors are shown as a page of the dashboard
}

// forms says whether a body may come as browsers send forms, which a foreign page can send as well.
type forms int

const (
	noForms      forms = iota
	anyForms           // the login, which carries its own credential
	browserForms       // from browsers that say which page sent it
)

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
	r.Options(row.path, s.enter(route{role: nobody, handler: func(c *fiber.Ctx) error {
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
	reads := s.enter(route{role: viewer, handler: handler, page: page})
	writes := s.enter(route{role: operator, handler: handler, page: page})
	r.All(path, func(c *fiber.Ctx) error {
		if isRead(c) {
			return reads(c)
		}
		return writes(c)
	})
}

// enter is the handler of r behind its guards.
func (s *Server) enter(r route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		secureHeaders(c)
		if err := s.guard(c, r); err != nil {
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
	if admitted, err := s.admit(c, r.role); !admitted {
		return err
	}
	if r.role == operator {
		defer s.lists.changed()
	}
	return r.handler(c)
}
