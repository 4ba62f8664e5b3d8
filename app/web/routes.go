package web

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
)

// serve registers the rows of table, and for each of their paths the methods that no row has.
func (s *Server) serve(r fiber.Router, table []access.Route) {
	allowed := make(map[string][]string)
	for _, row := range table {
		methods := []string{row.Method}
		if row.Method == fiber.MethodGet {
			methods = append(methods, fiber.MethodHead)
		}
		for _, method := range methods {
			r.Add(method, row.Path, s.enter(row))
		}
		allowed[row.Path] = append(allowed[row.Path], methods...)
	}
	for _, row := range table {
		if methods, ok := allowed[row.Path]; ok {
			s.others(r, row, allow(methods))
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
func (s *Server) others(r fiber.Router, row access.Route, allow string) {
	r.Options(row.Path, s.enter(access.Route{Handler: func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return c.SendStatus(fiber.StatusNoContent)
	}}))
	s.rest(r, row.Path, row.Page, func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderAllow, allow)
		return fiber.ErrMethodNotAllowed
	})
}

// rest registers handler for every method at path. Methods that read need a viewer, others an operator.
func (s *Server) rest(r fiber.Router, path string, page bool, handler fiber.Handler) {
	reads := s.enter(access.Route{Role: access.Viewer, Handler: handler, Page: page})
	writes := s.enter(access.Route{Role: access.Operator, Handler: handler, Page: page})
	r.All(path, func(c *fiber.Ctx) error {
		if access.IsRead(c) {
			return reads(c)
		}
		return writes(c)
	})
}

// enter is the handler of r behind its guards.
func (s *Server) enter(r access.Route) fiber.Handler {
	return func(c *fiber.Ctx) error {
		reply.Secure(c)
		if err := s.access.Guard(c, r.Forms); err != nil {
			return err
		}
		err := s.perform(c, r)
		if r.Page {
			return s.pages.Finish(c, err)
		}
		return err
	}
}

func (s *Server) perform(c *fiber.Ctx, r access.Route) error {
	var refused *access.Refusal
	if err := s.access.Admit(c, r.Role); errors.As(err, &refused) && refused.Login {
		return c.Redirect("/crons/login?next="+url.QueryEscape(c.Path()), fiber.StatusSeeOther)
	} else if err != nil {
		return err
	}
	if r.Role == access.Operator {
		defer s.api.Changed()
	}
	return r.Handler(c)
}
