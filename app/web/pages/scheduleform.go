package pages

import (
	"encoding/json"
	"errors"
	"html/template"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
	"fibercrons/app/web/request"
)

// newSchedulePage is an empty form, or one for the job that ?job= names.
func (p *Pages) newSchedulePage(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	form := dashboard.ScheduleForm{}
	if form.Job = q.Text("job", 100); form.Job != "" {
		form.ArgsOf = form.Job
	}
	if err := q.Mistakes(); err != nil {
		return err
	}
	form.Fields = p.argFields(form.Job, nil)
	return p.showForm(c, fiber.StatusOK, form)
}

// editSchedulePage is the form of the schedule that ?id= names.
func (p *Pages) editSchedulePage(c *fiber.Ctx) error {
	q := request.QueryOf(c)
	id := q.Text("id", longestScheduleID)
	if err := q.Mistakes(); err != nil {
		return err
	}
	stored, err := p.app.Crons.EditSchedule(c.UserContext(), id)
	if err != nil {
		return ofSchedule(err)
	}
	form := dashboard.ScheduleForm{ScheduleTyped: dashboard.TypedOf(stored), Fields: p.argFields(stored.Job, stored.Args)}
	if form.Preview, err = p.previewOf(form.ScheduleTyped, stored.Runs); err != nil {
		return err
	}
	return p.showForm(c, fiber.StatusOK, form)
}

func (p *Pages) showForm(c *fiber.Ctx, status int, form dashboard.ScheduleForm) error {
	form.Jobs = p.jobNames()
	return p.show(c, status, dashboard.Page{Title: form.Title(), Nav: "schedules", Body: form})
}

// argFields are the fields of a job's arguments, with values in place of its defaults; none if there is no such job.
func (p *Pages) argFields(job string, values json.RawMessage) []dashboard.ArgField {
	j, err := p.app.Crons.Definition(job)
	if err != nil || j.Args == nil {
		return nil
	}
	if len(values) == 0 {
		values = j.Args.Defaults
	}
	return dashboard.ArgFields(j.Args.Schema, values)
}

// previewOf shows what a form means. runs is how many the schedule has had.
func (p *Pages) previewOf(t dashboard.ScheduleTyped, runs int64) (template.HTML, error) {
	text := ""
	if t.Expr != "" {
		preview, wrong := p.app.Crons.PreviewSchedule(ops.ScheduleQuestion{
			Job: t.Job, ID: t.ID, Expr: t.Expr, Zone: t.Zone, Default: p.app.Config.Timezone, From: t.From.At, Until: t.Until.At,
		})
		left := int64(-1)
		if most := t.Most(); most > 0 {
			left = max(most-runs, 0)
		}
		var err error
		if text, err = dashboard.RenderSchedulePreview(time.Now().UTC(), preview, left, wrong); err != nil {
			return "", err
		}
	}
	return template.HTML(text), nil //nolint:gosec // made by a template
}

// schedulePreviewPart shows what a schedule means, while someone is typing it.
func (p *Pages) schedulePreviewPart(c *fiber.Ctx) error {
	typed := dashboard.ReadSchedule(formValues(c))
	stored, err := p.storedOf(c, typed)
	if err != nil {
		return err
	}
	text, err := p.previewOf(typed, stored.Runs)
	if err != nil {
		return err
	}
	return send(c, fiber.MIMETextHTMLCharsetUTF8, []byte(text))
}

// argumentsPart is the fields of the arguments of the job that was chosen.
func (p *Pages) argumentsPart(c *fiber.Ctx) error {
	typed := dashboard.ReadSchedule(formValues(c))
	stored, err := p.storedOf(c, typed)
	if err != nil {
		return err
	}
	text, err := dashboard.RenderArguments(typed.Job, typed.Typed(p.argFields(typed.Job, kept(stored, typed))))
	if err != nil {
		return err
	}
	return send(c, fiber.MIMETextHTMLCharsetUTF8, []byte(text))
}

// storedOf is the schedule that a form edits, as it is now; zero: a new one, or it was deleted.
func (p *Pages) storedOf(c *fiber.Ctx, typed dashboard.ScheduleTyped) (ops.ScheduleEdit, error) {
	if typed.New() {
		return ops.ScheduleEdit{}, nil
	}
	stored, err := p.app.Crons.EditSchedule(c.UserContext(), typed.ID)
	if errors.Is(err, cron.ErrNotFound) {
		return ops.ScheduleEdit{}, nil
	}
	return stored, err
}

// kept are the arguments of the schedule that a form edits, unless it is for another job now.
func kept(stored ops.ScheduleEdit, typed dashboard.ScheduleTyped) json.RawMessage {
	if stored.Job != typed.Job {
		return nil
	}
	return stored.Args
}

// putScheduleForm saves what was typed. If it cannot, or is asked for a preview alone, it shows the form again as it was
// typed.
func (p *Pages) putScheduleForm(c *fiber.Ctx) error {
	ctx, typed := c.UserContext(), dashboard.ReadSchedule(formValues(c))
	stored, err := p.storedOf(c, typed)
	if err != nil {
		return err
	}
	args := kept(stored, typed)
	fields := p.argFields(typed.Job, args)
	if stored.Revision == typed.Revision && !typed.New() {
		typed.Restore(stored, fields, func(text string) string { return string(withoutControls([]byte(text))) })
	}
	form := dashboard.ScheduleForm{ScheduleTyped: typed, Fields: typed.Typed(fields)}
	form.Other = typed.ArgsOf != typed.Job && len(fields) > 0
	form.ArgsOf = typed.Job
	if form.Preview, err = p.previewOf(typed, stored.Runs); err != nil {
		return err
	}
	if formValue(c, "do") == "preview" {
		form.Other = false
		return p.showForm(c, fiber.StatusOK, form)
	}
	if form.Other {
		return p.showForm(c, fiber.StatusUnprocessableEntity, form)
	}
	in, read := typed.Input(fields, args)
	if request.CheckDepth(in.Args) != nil {
		form.Mark([]cron.FieldError{{Field: "/args", Detail: "is nested too deeply"}})
		return p.showForm(c, fiber.StatusUnprocessableEntity, form)
	}
	put, err := p.app.Crons.By(request.Caller(c)).PutInput(ctx, &in, read, typed.Match())
	var wrong *cron.ArgsError
	switch {
	case err == nil:
		return done(c, schedulePath(c, put.ID), "stored-"+string(put.Outcome))
	case errors.As(err, &wrong):
		form.Mark(wrong.Fields)
		return p.showForm(c, fiber.StatusUnprocessableEntity, form)
	case errors.Is(err, ops.ErrRevision) && typed.Match() == contract.NoRevision:
		form.Exists = true
		return p.showForm(c, fiber.StatusConflict, form)
	case errors.Is(err, ops.ErrRevision):
		return p.showConflict(c, form, in)
	}
	return err
}

// showConflict shows what somebody else has stored beside what was typed. Saved again, the form replaces that.
func (p *Pages) showConflict(c *fiber.Ctx, form dashboard.ScheduleForm, mine ops.ScheduleInput) error {
	stored, err := p.storedOf(c, form.ScheduleTyped)
	if err != nil {
		return err
	}
	form.Revision = stored.Revision
	form.Conflict = &dashboard.ScheduleConflict{Gone: stored.Revision == 0}
	if !form.Conflict.Gone {
		form.Conflict.By, form.Conflict.At = stored.UpdatedBy, stored.UpdatedAt
		form.Conflict.Rows = dashboard.Differences(stored.ScheduleInput, mine)
	}
	return p.showForm(c, fiber.StatusConflict, form)
}
