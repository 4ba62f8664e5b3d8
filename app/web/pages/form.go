package pages

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/web/access"
	"fibercrons/app/web/reply"
	"fibercrons/app/web/request"
)

// Forms come as browsers send them. The guard takes such a body under the pages alone, and only when the browser
// says that one of our own pages sent it.

func formValue(c *fiber.Ctx, name string) string {
	return string(c.Context().PostArgs().Peek(name))
}

// formValues are those of the form that was sent.
func formValues(c *fiber.Ctx) url.Values {
	v := url.Values{}
	for key, value := range c.Context().PostArgs().All() {
		v.Add(string(key), string(value))
	}
	return v
}

// formInstant reads a time: an instant if the page's script could run, otherwise the field's own text, in UTC.
func formInstant(c *fiber.Ctx, name string) (time.Time, error) {
	t := dashboard.ReadInstant(formValues(c), name)
	if t.Text != "" {
		return time.Time{}, reply.BadBody("/"+name, "must be a date and a time")
	}
	return t.At, nil
}

// done leads to a page that says what was done.
func done(c *fiber.Ctx, page, did string) error { return doneMany(c, page, did, 0, 0) }

// doneMany also says how many were changed, and how many refused the change.
func doneMany(c *fiber.Ctx, page, did string, count, refused int) error {
	v := url.Values{"did": {did}}
	if count > 0 {
		v.Set("n", strconv.Itoa(count))
	}
	if refused > 0 {
		v.Set("refused", strconv.Itoa(refused))
	}
	sep := "?"
	if strings.Contains(page, "?") {
		sep = "&"
	}
	return c.Redirect(page+sep+v.Encode(), fiber.StatusSeeOther)
}

// doneToJob leads to the page of the job that the path names, unless its change failed.
func doneToJob(c *fiber.Ctx, did string, err error) error {
	if err != nil {
		return err
	}
	return done(c, jobPath(c, request.JobName(c)), did)
}

// rootPath, jobPath and runPath are pages as the browser sees them.
func rootPath(c *fiber.Ctx) string             { return access.Base(c) + dashboard.Root }
func jobPath(c *fiber.Ctx, name string) string { return rootPath(c) + "/jobs/" + url.PathEscape(name) }
func runPath(c *fiber.Ctx, id string) string   { return rootPath(c) + "/runs/" + url.PathEscape(id) }

// withoutFlash removes the parameters that doneMany adds.
func withoutFlash(v url.Values) url.Values {
	for _, name := range []string{"did", "n", "refused"} {
		v.Del(name)
	}
	return v
}

// ownAddress is the page's own address, without what it says once.
func ownAddress(c *fiber.Ctx) string {
	v, err := url.ParseQuery(string(c.Context().QueryArgs().QueryString()))
	if err != nil || len(withoutFlash(v)) == 0 {
		return access.Path(c)
	}
	return access.Path(c) + "?" + v.Encode()
}

// cameFrom is the page of the dashboard that the reader came from.
func cameFrom(c *fiber.Ctx) string {
	u, err := url.Parse(c.Get(fiber.HeaderReferer))
	if err != nil || !strings.HasPrefix(u.Path, rootPath(c)) || u.Path == access.Path(c) {
		return ""
	}
	u.Scheme, u.Host, u.User, u.Fragment = "", "", nil, ""
	return u.String()
}
