package dashboard

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
)

// ScheduleForm is the page with the form that makes or changes a stored schedule. It also shows a form again that was
// sent: as it was typed, with what is wrong.
type ScheduleForm struct {
	ScheduleTyped
	Jobs     []string // to choose from
	Fields   []ArgField
	Preview  template.HTML
	Wrong    []FieldError // all mistakes, as they are listed
	Exists   bool         // a new one has the ID of another
	Other    bool         // the arguments were those of another job, and are now to be checked
	Conflict *ScheduleConflict

	wrong []cron.FieldError
}

// ScheduleConflict is what somebody else has done to a schedule while it was edited.
type ScheduleConflict struct {
	Gone bool // it was deleted
	By   string
	At   time.Time
	Rows []Change // what differs: From is theirs, To is the reader's
}

// ScheduleTyped is what the form holds, as it was typed.
type ScheduleTyped struct {
	ID, Job, Expr, Zone, MaxRuns string

	From, Until TypedInstant
	Meta        []Pair
	Paused      bool
	Revision    int64  // of the schedule that is edited; 0: it is a new one
	ArgsOf      string // the job whose arguments the form holds

	values url.Values
}

// TypedInstant is an instant in a form.
type TypedInstant struct {
	At   time.Time // zero: none
	Text string    // what cannot be read as one
}

// Value is that of the field in UTC, to the second or, if that is not enough, the millisecond.
func (t TypedInstant) Value() string {
	switch {
	case t.At.IsZero():
		return t.Text
	case t.At.Nanosecond() > 0:
		return t.At.UTC().Format("2006-01-02T15:04:05.000")
	}
	return t.At.UTC().Format("2006-01-02T15:04:05")
}

// UTC is the instant for the page's script, or empty.
func (t TypedInstant) UTC() string {
	if t.At.IsZero() {
		return ""
	}
	return t.At.UTC().Format("2006-01-02T15:04:05.000Z")
}

// Step is the precision of the field in seconds.
func (t TypedInstant) Step() string {
	if t.At.Nanosecond() > 0 {
		return "0.001"
	}
	return "1"
}

// ReadInstant reads an instant from a form: of the page's script, or the field's own text, in UTC.
func ReadInstant(form url.Values, name string) (t TypedInstant) {
	text, layouts := form.Get(name), []string{time.RFC3339}
	if text == "" {
		text, layouts = form.Get(name+"_utc"), []string{"2006-01-02T15:04:05", "2006-01-02T15:04"}
	}
	for _, layout := range layouts {
		if at, err := time.Parse(layout, text); err == nil {
			return TypedInstant{At: at.UTC()}
		}
	}
	return TypedInstant{Text: text}
}

// ReadSchedule reads what was typed.
func ReadSchedule(form url.Values) ScheduleTyped {
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	t := ScheduleTyped{
		ID: text("id"), Job: text("job"), Expr: text("expr"), Zone: text("timezone"), MaxRuns: text("max_runs"),
		From: ReadInstant(form, "from"), Until: ReadInstant(form, "until"), Paused: form.Get("paused") != "", ArgsOf: text("args_of"),
		values: form,
	}
	for name, list := range form {
		if strings.HasPrefix(name, argPrefix) && len(list) > 0 {
			list[0] = unixLines(list[0])
		}
	}
	t.Revision, _ = strconv.ParseInt(form.Get("revision"), 10, 64) // none: a new one
	t.Revision = max(t.Revision, 0)
	values := form["meta_value"]
	for i, key := range form["meta_key"] {
		if i < len(values) && key+values[i] != "" {
			t.Meta = append(t.Meta, Pair{key, unixLines(values[i])})
		}
	}
	return t
}

// TypedOf is the form of a stored schedule.
func TypedOf(e ops.ScheduleEdit) ScheduleTyped {
	t := ScheduleTyped{
		ID: e.ID, Job: e.Job, Expr: e.Expr, Zone: e.Timezone, From: TypedInstant{At: e.From}, Until: TypedInstant{At: e.Until},
		Meta: pairs(e.Meta), Paused: e.Paused, Revision: e.Revision, ArgsOf: e.Job,
	}
	if e.MaxRuns > 0 {
		t.MaxRuns = strconv.FormatInt(e.MaxRuns, 10)
	}
	return t
}

// New reports whether the form makes a schedule.
func (t ScheduleTyped) New() bool { return t.Revision == 0 }

// Match is the revision that the schedule must have.
func (t ScheduleTyped) Match() int64 {
	if t.New() {
		return contract.NoRevision
	}
	return t.Revision
}

// Most is the number of runs that was typed, or 0.
func (t ScheduleTyped) Most() int64 {
	n, _ := strconv.ParseInt(t.MaxRuns, 10, 64)
	return n
}

// Typed returns the fields with what was typed into them, if they are those of the form.
func (t ScheduleTyped) Typed(fields []ArgField) []ArgField {
	if t.ArgsOf != t.Job || t.values == nil {
		return fields
	}
	return WithTyped(fields, t.value)
}

func (t ScheduleTyped) value(name string) (string, bool) {
	list, given := t.values[name]
	if !given || len(list) == 0 {
		return "", false
	}
	return list[0], true
}

// Restore puts back what was not typed but shown: a text that is shown otherwise than it is stored, such as one with
// control characters, is the stored one if it comes back as it was shown. fields are those of the stored arguments.
func (t ScheduleTyped) Restore(stored ops.ScheduleEdit, fields []ArgField, show func(string) string) {
	shown := func(text string) string {
		return strings.ReplaceAll(unixLines(show(text)), "\r", "\n")
	}
	left := pairs(stored.Meta)
	for i, typed := range t.Meta {
		same := func(p Pair) bool { return typed.Key == shown(p.Key) && typed.Value == shown(p.Value) }
		if at := slices.IndexFunc(left, same); at >= 0 { // each once: two may look the same
			t.Meta[i] = left[at]
			left = slices.Delete(left, at, at+1)
		}
	}
	for _, f := range fields {
		if text, given := t.value(f.Input); given && (f.Kind == "text" || f.Kind == "json") && unixLines(text) == shown(f.Value) {
			t.values[f.Input] = []string{f.Value}
		}
	}
}

// Input returns what was typed as a schedule, and a [*cron.ArgsError] with what cannot be read. kept are the arguments
// of the schedule that is edited, as far as no field shows them.
func (t ScheduleTyped) Input(fields []ArgField, kept json.RawMessage) (ops.ScheduleInput, error) {
	in := ops.ScheduleInput{
		ID: t.ID, Job: t.Job, Expr: t.Expr, Timezone: t.Zone, Args: kept, From: t.From.At, Until: t.Until.At, Paused: t.Paused,
	}
	var wrong []cron.FieldError
	for field, at := range map[string]TypedInstant{"/from": t.From, "/until": t.Until} {
		if at.Text != "" {
			wrong = append(wrong, cron.FieldError{Field: field, Detail: "must be a date and a time"})
		}
	}
	if t.MaxRuns != "" {
		var err error
		if in.MaxRuns, err = strconv.ParseInt(t.MaxRuns, 10, 64); err != nil {
			wrong = append(wrong, cron.FieldError{Field: "/max_runs", Detail: "must be a whole number; empty: no limit"})
		}
	}
	for _, p := range t.Meta {
		if _, twice := in.Meta[p.Key]; twice {
			wrong = append(wrong, cron.FieldError{Field: "/meta", Detail: strconv.Quote(p.Key) + " is there twice"})
		}
		if in.Meta == nil {
			in.Meta = map[string]string{}
		}
		in.Meta[p.Key] = p.Value
	}
	if len(fields) > 0 {
		in.Args = withRest(Args(fields, t.value), kept, fields)
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b cron.FieldError) int { return strings.Compare(a.Field, b.Field) })
		return in, &cron.ArgsError{Job: t.Job, Fields: wrong, Request: true}
	}
	return in, nil
}

// withRest adds the members of kept that no field shows.
func withRest(args, kept json.RawMessage, fields []ArgField) json.RawMessage {
	rest := map[string]json.RawMessage{}
	if json.Unmarshal(kept, &rest) != nil {
		return args
	}
	for _, f := range fields {
		delete(rest, f.Name)
	}
	if len(rest) == 0 {
		return args
	}
	more, err := json.Marshal(rest)
	if err != nil || bytes.Equal(args, []byte("{}")) {
		return more
	}
	return append(append(args[:len(args)-1:len(args)-1], ','), more[1:]...)
}

// Differences lists where a schedule that somebody else has stored differs from the reader's.
func Differences(theirs, mine ops.ScheduleInput) []Change {
	a, err := json.Marshal(theirs)
	if err != nil {
		return nil
	}
	b, err := json.Marshal(mine)
	if err != nil {
		return nil
	}
	return changes(a, b)
}

// Mark notes the mistakes, and shows those in arguments at their fields.
func (f *ScheduleForm) Mark(wrong []cron.FieldError) {
	f.wrong = append(f.wrong, wrong...)
	for _, w := range wrong {
		f.Wrong = append(f.Wrong, FieldError{strings.TrimPrefix(strings.TrimPrefix(w.Field, "/args"), "/"), w.Detail})
		if name, ok := strings.CutPrefix(w.Field, "/args/"); ok {
			name, _, _ = strings.Cut(name, "/")
			name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
			for i := range f.Fields {
				if f.Fields[i].Name == name {
					f.Fields[i].Wrong = w.Detail
				}
			}
		}
	}
}

// Mistake is what is wrong with one of the form's own fields, or empty.
func (f ScheduleForm) Mistake(field string) string {
	for _, w := range f.wrong {
		if w.Field == "/"+field {
			return w.Detail
		}
	}
	return ""
}

// Title is the page's.
func (f ScheduleForm) Title() string {
	if f.New() {
		return "New schedule"
	}
	return "Edit " + f.ID
}

// Back is the page that the form was opened from, below the root.
func (f ScheduleForm) Back() string {
	if f.New() {
		return "/schedules"
	}
	return Schedule(f.ID, "")
}

// Edit is the form of what is stored, below the root.
func (f ScheduleForm) Edit() string { return Schedule(f.ID, "/edit") }

// JobList are the jobs to choose from, with the one that was chosen.
func (f ScheduleForm) JobList() []string { return withJob(f.Jobs, f.Job) }

// MetaRows are the members of Meta, and room for more.
func (f ScheduleForm) MetaRows() []Pair {
	return append(slices.Clone(f.Meta), Pair{}, Pair{})
}

// Lines reports whether the value needs more than one line.
func (p Pair) Lines() bool { return strings.ContainsAny(p.Value, "\r\n") }

// RenderArguments writes the fields of a job's arguments, for the form of a schedule. They have no links.
func RenderArguments(job string, fields []ArgField) (string, error) {
	var b strings.Builder
	err := execute(&b, "", "schedulearguments", ScheduleForm{ScheduleTyped: ScheduleTyped{Job: job}, Fields: fields})
	return b.String(), err
}
