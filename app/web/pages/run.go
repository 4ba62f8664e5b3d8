package pages

import (
	"fmt"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/dashboard"
	"fibercrons/app/web/request"
)

func (p *Pages) runPage(c *fiber.Ctx) error {
	ctx := c.UserContext()
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	run, err := p.app.Crons.Record(ctx, id)
	if err != nil {
		return err
	}
	end, err := p.app.Store.LogEnd(ctx, id)
	if err != nil {
		return err
	}
	lines, err := p.app.Crons.Logs(ctx, id, max(0, end-dashboard.LogLines), dashboard.LogLines)
	if err != nil {
		return err
	}
	changes, err := p.app.Store.Audits(ctx, id, 0, 10)
	if err != nil {
		return err
	}
	_, unknown := p.app.Crons.Preview(ctx, run.Job, "", "")
	now := time.Now().UTC()
	return p.show(c, fiber.StatusOK, dashboard.Page{
		Title: run.Job + ": " + string(run.Status), Nav: "jobs", Now: now,
		Body: dashboard.NewRunPage(now, run, lines, end > dashboard.LogLines, changes, unknown == nil),
	})
}

// logPart answers with the lines after the one numbered ?after=.
func (p *Pages) logPart(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	after := q.Number("after", 0, 1<<62, 0)
	if err := q.Mistakes(); err != nil {
		return err
	}
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	lines, err := p.app.Crons.Logs(c.UserContext(), id, after, 1000)
	if err != nil {
		return err
	}
	text, err := dashboard.RenderLog(dashboard.LogTail{Run: id, Lines: lines})
	if err != nil {
		return err
	}
	return send(c, fiber.MIMETextHTMLCharsetUTF8, []byte(text))
}

// logFile answers with a whole log as text.
func (p *Pages) logFile(c *fiber.Ctx) error {
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	const batch = 5000
	var b strings.Builder
	for after, n := int64(0), batch; n == batch; {
		lines, err := p.app.Crons.Logs(c.UserContext(), id, after, batch)
		if err != nil {
			return err
		}
		for _, l := range lines {
			fmt.Fprintf(&b, "%s %-5s %s", l.Time.UTC().Format("2006-01-02T15:04:05.000Z"), l.Level, l.Message)
			for _, a := range dashboard.Attrs(l.Attrs) {
				fmt.Fprintf(&b, " %s=%s", a.Key, a.Value)
			}
			b.WriteByte('\n')
			after = l.Seq
		}
		n = len(lines)
	}
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="run-`+id+`.log"`)
	return send(c, fiber.MIMETextPlainCharsetUTF8, []byte(b.String()))
}

func (p *Pages) cancelForm(c *fiber.Ctx) error {
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	if _, err := p.app.Crons.By(request.Caller(c)).Cancel(c.UserContext(), id); err != nil {
		return err
	}
	return done(c, runPath(c, id), "cancel")
}

func (p *Pages) retryForm(c *fiber.Ctx) error {
	id, err := request.RunID(c)
	if err != nil {
		return err
	}
	run, err := p.app.Crons.By(request.Caller(c)).Retry(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.Redirect(runPath(c, run.ID), fiber.StatusSeeOther)
}
