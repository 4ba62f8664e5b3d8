package api

import (
	"github.com/gofiber/fiber/v2"

	"fibercrons/app/web/access"
	"fibercrons/app/web/request"
)

// openAPI answers with the description of the API as JSON.
func (a *API) openAPI(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	spec, err := a.spec.Get(access.Base(c))
	if err != nil {
		return err
	}
	return spec.Send(c)
}

// showDocs answers with the description of the API as a page.
func (a *API) showDocs(c *fiber.Ctx) error {
	if err := request.NoQuery(c); err != nil {
		return err
	}
	page, err := a.docs.Get(access.Base(c))
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(page)
}
