package ops

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/members"
)

// ScheduleInput is a stored schedule in the form in which people put, export and import it.
type ScheduleInput struct {
	ID       string            `json:"id"`
	Job      string            `json:"job"`
	Expr     string            `json:"expr"`
	Timezone string            `json:"timezone,omitempty"` // empty: the job's
	Args     json.RawMessage   `json:"args,omitempty"`
	From     time.Time         `json:"from,omitzero"`
	Until    time.Time         `json:"until,omitzero"`
	MaxRuns  int64             `json:"max_runs,omitempty"`
	Meta     map[string]string `json:"meta,omitempty"`
	Paused   bool              `json:"paused,omitempty"`
}

func inputOf(g *contract.Schedule, now time.Time) ScheduleInput {
	return ScheduleInput{
		ID: g.ID, Job: g.Job, Expr: g.Expr, Timezone: g.Zone, Args: g.Args, From: g.From.UTC(), Until: g.Until.UTC(),
		MaxRuns: g.MaxRuns, Meta: g.Meta, Paused: g.PausedNow(now),
	}
}

// Schedule returns the schedule to put.
func (in *ScheduleInput) Schedule() cron.Schedule {
	g := cron.Schedule{
		ID: in.ID, Job: in.Job, Expr: in.Expr, Zone: in.Timezone, From: in.From, Until: in.Until, MaxRuns: int(in.MaxRuns),
		Meta: in.Meta, Paused: in.Paused,
	}
	if len(in.Args) > 0 {
		g.Args = in.Args
	}
	return g
}

// settable are the members of a schedule that a person sets, in the order of [ScheduleInput].
var settable = []string{"id", "job", "expr", "timezone", "args", "from", "until", "max_runs", "meta", "paused"}

// shown are the other members of an answer. They are passed over, so that an answer can be changed and sent back.
var shown = []string{
	"pause", "next_run", "last_run", "last_status", "last_run_id", "runs", "created_at", "updated_at", "updated_by", "orphaned",
	"description", "next_slots", "next_slots_local", "notes", "outcome",
}

// ReadSchedule reads a schedule as JSON. Names are exact, and null is the zero value. It returns what could be read, and
// a [*cron.ArgsError] with all mistakes.
func ReadSchedule(text []byte) (ScheduleInput, error) {
	var in ScheduleInput
	list, err := members.Read(text)
	if err != nil {
		return in, &cron.ArgsError{Fields: []cron.FieldError{{Detail: err.Error()}}, Request: true}
	}
	var wrong []cron.FieldError
	seen := map[string]bool{}
	for _, m := range list {
		detail := ""
		switch {
		case !slices.Contains(settable, m.Name):
			if !slices.Contains(shown, m.Name) {
				detail = "is unknown; a schedule has " + strings.Join(settable, ", ")
			}
		case seen[m.Name]:
			detail = "is given more than once"
		case string(m.Value) != "null":
			detail = in.set(m)
		}
		if detail != "" {
			wrong = append(wrong, cron.FieldError{Field: members.Pointer(brief(m.Name)), Detail: detail})
		}
		seen[m.Name] = true
	}
	if len(wrong) > 0 {
		return in, &cron.ArgsError{Job: in.Job, Fields: wrong, Request: true}
	}
	return in, nil
}

// set assigns a member, and returns what is wrong with its value.
func (in *ScheduleInput) set(m members.Member) (mistake string) {
	is := func(into any, what string) string {
		if json.Unmarshal(m.Value, into) != nil {
			return "must be " + what
		}
		return ""
	}
	instant := func(into *time.Time) string {
		var text string
		err := json.Unmarshal(m.Value, &text)
		t, parseErr := time.Parse(time.RFC3339, text)
		if err != nil || parseErr != nil {
			return "must be an instant as in 2027-01-31T12:00:00Z (RFC 3339)"
		}
		*into = t.UTC()
		return ""
	}
	switch m.Name {
	case "id":
		return is(&in.ID, "a text")
	case "job":
		return is(&in.Job, "a text")
	case "expr":
		return is(&in.Expr, "a text")
	case "timezone":
		return is(&in.Timezone, "a text")
	case "args":
		in.Args = m.Value
	case "from":
		return instant(&in.From)
	case "until":
		return instant(&in.Until)
	case "max_runs":
		return is(&in.MaxRuns, "a whole number")
	case "meta":
		return is(&in.Meta, "an object of texts")
	case "paused":
		return is(&in.Paused, "true or false")
	}
	return ""
}

// brief bounds a name that a caller sent, so that an answer can repeat it.
func brief(name string) string {
	const most = 100
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return name
}

// values are those of a schedule for the audit log.
func values(g *contract.Schedule, now time.Time) fields {
	if g == nil {
		return nil
	}
	in := inputOf(g, now)
	v := fields{"job": in.Job, "expr": in.Expr, "timezone": in.Timezone, "args": in.Args, "max_runs": in.MaxRuns, "meta": in.Meta, "paused": in.Paused}
	if in.Meta == nil {
		v["meta"] = map[string]string{}
	}
	maps.Copy(v, fields{"from": inUTC(g.From), "until": inUTC(g.Until)})
	return v
}

// join returns an error with the mistakes of both, the first of a field alone: what could not be read has no value that
// could be checked.
func join(read, checked *cron.ArgsError) *cron.ArgsError {
	switch {
	case read == nil:
		return checked
	case checked == nil:
		return read
	}
	all := &cron.ArgsError{Job: checked.Job, Fields: slices.Clone(read.Fields), Request: true}
	for _, f := range checked.Fields {
		if !slices.ContainsFunc(read.Fields, func(r cron.FieldError) bool { return r.Field == f.Field }) {
			all.Fields = append(all.Fields, f)
		}
	}
	return all
}
