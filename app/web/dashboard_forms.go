package web

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/scheduler"

	"github.com/gofiber/fiber/v2"
)

// The forms of the pages come as browsers send forms. The guard takes such a body under the pages
// alone, and only when the browser says that one of our own pages sent it. Each form does what the
// call of the API with the same name does, and leads on to a page.

func formValue(c *fiber.Ctx, name string) string {
	return string(c.Context().PostArgs().Peek(name))
}

// formInstant reads a time of a form: as an instant when the page's script was there, and otherwise
// as it stands in the field, in UTC.
func formInstant(c *fiber.Ctx, name string) (time.Time, error) {
	if text := formValue(c, name); text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return t, badRequest(invalid{"body", "/" + name, "must be an instant as in 2027-01-31T12:00:00Z (RFC 3339)"})
		}
		return t.UTC(), nil
	}
	text := formValue(c, name+"_utc")
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badRequest(invalid{"body", "/" + name, "must be a date and a time"})
}

// done leads to the page that shows what was done.
func done(c *fiber.Ctx, path, did string, count, refused int) error {
	v := url.Values{"did": {did}}
	if count > 0 {
		v.Set("n", strconv.Itoa(count))
	}
	if refused > 0 {
		v.Set("refused", strconv.Itoa(refused))
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	return c.Redirect(path+sep+v.Encode(), fiber.StatusSeeOther)
}

func jobPath(name string) string { return dashboard.Root + "/jobs/" + url.PathEscape(name) }
func runPath(id string) string   { return dashboard.Root + "/runs/" + url.PathEscape(id) }

func (s *Server) runForm(c *fiber.Ctx) error {
	ctx, name := c.UserContext(), jobName(c)
	job, err := s.app.Crons.Job(ctx, name)
	if err != nil {
		return err
	}
	request := scheduler.Request{Force: formValue(c, "force") != ""}
	if fields := dashboard.ArgFields(job.ArgsSchema, job.Args); len(fields) > 0 {
		given := c.Context().PostArgs()
		request.Args = dashboard.Args(fields, func(field string) (string, bool) { return string(given.Peek(field)), given.Has(field) })
		if depth(request.Args) > deepest {
			return badRequest(invalid{In: "body", Detail: "the JSON is nested more than 64 deep"})
		}
	}
	run, err := s.by(c).Trigger(ctx, name, request)
	if err != nil {
		return err
	}
	return c.Redirect(runPath(run.ID), fiber.StatusSeeOther)
}

func (s *Server) pauseForm(c *fiber.Ctx) error {
	until, err := formInstant(c, "until")
	if err != nil {
		return err
	}
	reason := formValue(c, "reason")
	if err := checkText("/reason", reason, longestReason); err != nil {
		return err
	}
	name := jobName(c)
	if _, err := s.by(c).Pause(c.UserContext(), contract.Pause{Job: name, Reason: reason, Until: until, At: time.Now().UTC()}); err != nil {
		return err
	}
	return done(c, jobPath(name), "pause", 0, 0)
}

func (s *Server) resumeForm(c *fiber.Ctx) error {
	name := jobName(c)
	if _, err := s.by(c).Pause(c.UserContext(), contract.Pause{Job: name, Resume: true, At: time.Now().UTC()}); err != nil {
		return err
	}
	return done(c, jobPath(name), "resume", 0, 0)
}

func (s *Server) scheduleForm(c *fiber.Ctx) error {
	expr, zone := formValue(c, "expr"), formValue(c, "timezone")
	if strings.TrimSpace(expr) == "" {
		return badRequest(invalid{"body", "/expr", "is missing"})
	}
	if err := checkText("/expr", expr, longestExpr); err != nil {
		return err
	}
	name := jobName(c)
	if _, err := s.by(c).Reschedule(c.UserContext(), name, expr, zone); err != nil {
		return err
	}
	return done(c, jobPath(name), "schedule", 0, 0)
}

func (s *Server) unscheduleForm(c *fiber.Ctx) error {
	name := jobName(c)
	if _, err := s.by(c).Reschedule(c.UserContext(), name, "", ""); err != nil {
		return err
	}
	return done(c, jobPath(name), "unschedule", 0, 0)
}

func (s *Server) backfillForm(c *fiber.Ctx) error {
	from, err := formInstant(c, "from")
	if err != nil {
		return err
	}
	to, err := formInstant(c, "to")
	if err != nil {
		return err
	}
	if from.IsZero() || to.IsZero() {
		return badRequest(invalid{"body", "/from", "and to are both needed"})
	}
	name := jobName(c)
	runs, err := s.by(c).Backfill(c.UserContext(), name, from, to)
	if err != nil {
		return err
	}
	return done(c, jobPath(name), "backfill", len(runs), 0)
}

func (s *Server) cancelForm(c *fiber.Ctx) error {
	id, err := runID(c)
	if err != nil {
		return err
	}
	if _, err := s.by(c).Cancel(c.UserContext(), id); err != nil {
		return err
	}
	return done(c, runPath(id), "cancel", 0, 0)
}

func (s *Server) retryForm(c *fiber.Ctx) error {
	id, err := runID(c)
	if err != nil {
		return err
	}
	run, err := s.by(c).Retry(c.UserContext(), id)
	if err != nil {
		return err
	}
	return c.Redirect(runPath(run.ID), fiber.StatusSeeOther)
}

// bulkForm does one thing to each of the jobs that are selected. Those that cannot be are counted.
func (s *Server) bulkForm(c *fiber.Ctx) error {
	do := formValue(c, "do")
	var names []string
	for _, name := range c.Context().PostArgs().PeekMulti("job") {
		names = append(names, string(name))
	}
	if len(names) == 0 || len(names) > dashboard.PerPage {
		return badRequest(invalid{"body", "/job", "select from 1 to " + strconv.Itoa(dashboard.PerPage) + " jobs"})
	}
	hand, ctx := s.by(c), c.UserContext()
	change := map[string]func(name string) error{
		"run": func(name string) error {
			_, err := hand.Trigger(ctx, name, scheduler.Request{Args: json.RawMessage("{}")})
			return err
		},
		"pause": func(name string) error {
			_, err := hand.Pause(ctx, contract.Pause{Job: name, At: time.Now().UTC()})
			return err
		},
		"resume": func(name string) error {
			_, err := hand.Pause(ctx, contract.Pause{Job: name, Resume: true, At: time.Now().UTC()})
			return err
		},
	}[do]
	if change == nil {
		return badRequest(invalid{"body", "/do", "must be one of run, pause, resume"})
	}
	changed, refused := 0, 0
	for _, name := range names {
		err := change(name)
		var no *contract.RefusedError
		var wrong *cron.ArgsError
		switch {
		case err == nil:
			changed++
		case errors.As(err, &no), errors.As(err, &wrong), errors.Is(err, cron.ErrNotFound):
			refused++
		default:
			return err
		}
	}
	back := s.back(c)
	if u, err := url.Parse(back); err != nil || u.Path != dashboard.Root+"/jobs" {
		back = dashboard.Root + "/jobs"
	} else {
		v := u.Query()
		v.Del("did")
		v.Del("n")
		v.Del("refused")
		u.RawQuery = v.Encode()
		back = u.String()
	}
	return done(c, back, do, changed, refused)
}
