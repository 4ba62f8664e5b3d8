package cron_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/bubble"
)

// picky refuses some arguments.
type picky struct {
	N int `json:"n"`
}

func (p *picky) Validate() error {
	switch {
	case p.N == 13:
		panic("thirteen")
	case p.N <= 0:
		return errors.New("n must be positive")
	}
	return nil
}

// period has a JSON of its own.
type period struct{ time.Duration }

func (p period) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

func (p *period) UnmarshalText(text []byte) (err error) {
	p.Duration, err = time.ParseDuration(string(text))
	return err
}

// pair has names of its own.
type pair struct{ left, right int }

func (p pair) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]int{"l": p.left, "r": p.right})
}

func (p *pair) UnmarshalJSON(raw []byte) error {
	var names map[string]int
	err := json.Unmarshal(raw, &names)
	p.left, p.right = names["l"], names["r"]
	return err
}

type address struct {
	City string `json:"city"`
	Zip  *int   `json:"zip"`
}

type allArgs struct {
	Name    string            `json:"name" jsonschema:"who gets it"`
	N       int8              `json:"n"`
	Big     int64             `json:"big"`
	Rate    float64           `json:"rate"`
	Since   time.Time         `json:"since"`
	Every   period            `json:"every"`
	Pair    pair              `json:"pair"`
	Address address           `json:"address"`
	Others  []address         `json:"others"`
	Headers map[string]string `json:"headers"`
	Any     any               `json:"any"`
	Slash   bool              `json:"a/b~c"`
	Hidden  string            `json:"-"`
	Quiet   string            `json:"quiet,omitempty"`
	Extra   *address          `json:"extra,omitempty"`
	Until   *time.Time        `json:"until,omitempty"`
}

var allDefaults = allArgs{
	Name: "x", N: 1, Big: 1, Rate: 0.5, Since: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Every: period{time.Hour}, Pair: pair{3, 4},
	Address: address{City: "Ulm", Zip: new(89073)}, Others: []address{{City: "Bonn", Zip: new(53111)}},
	Headers: map[string]string{"a": "1"}, Hidden: "h",
}

func TestArgsAreMergedOverTheDefaults(t *testing.T) {
	tests := []struct {
		name  string
		given string
		want  func(a *allArgs) // changes the defaults
	}{
		{"nothing", ``, func(*allArgs) {}},
		{"null", ` null `, func(*allArgs) {}},
		{"empty", `{ }`, func(*allArgs) {}},
		{"one", `{"name":"y"}`, func(a *allArgs) { a.Name = "y" }},
		{"twice", `{"name":"y","name":"z"}`, func(a *allArgs) { a.Name = "z" }},
		{"large number", `{"big":9007199254740993}`, func(a *allArgs) { a.Big = 9007199254740993 }},
		{"a member of an object", `{"address":{"city":"Rom"}}`, func(a *allArgs) { a.Address.City = "Rom" }},
		{"null for a pointer", `{"address":{"zip":null}}`, func(a *allArgs) { a.Address.Zip = nil }},
		{"a list replaces the list", `{"others":[{"city":"Rom"},{}]}`, func(a *allArgs) { a.Others = []address{{City: "Rom"}, {}} }},
		{"no list", `{"others":null}`, func(a *allArgs) { a.Others = nil }},
		{"a map grows", `{"headers":{"b":"2"}}`, func(a *allArgs) { a.Headers = map[string]string{"a": "1", "b": "2"} }},
		{"anything", `{"any":{"a":["b"]}}`, func(a *allArgs) { a.Any = map[string]any{"a": []any{"b"}} }},
		{"time", `{"since":"2028-01-01T00:00:00Z"}`, func(a *allArgs) { a.Since = a.Since.AddDate(1, 0, 0) }},
		{"optional time", `{"until":"2028-01-01T00:00:00Z"}`, func(a *allArgs) { a.Until = new(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)) }},
		{"no time", `{"until":null}`, func(a *allArgs) {}},
		{"text of its own", `{"every":"90s"}`, func(a *allArgs) { a.Every = period{90 * time.Second} }},
		{"names of its own", `{"pair":{"r":7}}`, func(a *allArgs) { a.Pair = pair{3, 7} }},
		{"left out when empty", `{"quiet":"q"}`, func(a *allArgs) { a.Quiet = "q" }},
		{"name with signs", `{"a/b~c":true}`, func(a *allArgs) { a.Slash = true }},
	}
	var got allArgs
	var raw json.RawMessage
	r := cron.NewRegistry()
	r.Register("job", "@yearly", func(ctx context.Context) error {
		got, raw = cron.ArgsFrom[allArgs](ctx), cron.RunFrom(ctx).Args()
		return nil
	}, cron.Args(allDefaults))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got = allArgs{}
			out := run(t, r, "job", crontest.Args(json.RawMessage(tt.given)))
			if out.Err != nil {
				t.Fatal(out.Err)
			}
			want := allDefaults
			want.Hidden = "" // has no JSON name, so is no argument
			tt.want(&want)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, want %+v", got, want)
			}
			if canonical, err := json.Marshal(want); err != nil || string(raw) != string(canonical) || string(out.Args) != string(canonical) {
				t.Errorf("recorded as %s, want %s", out.Args, canonical)
			}
		})
	}
	if allDefaults.Headers["b"] != "" || *allDefaults.Address.Zip != 89073 {
		t.Errorf("the defaults have changed: %+v", allDefaults)
	}
}

func TestArgsAreRefused(t *testing.T) {
	const unknown = "the job has no such argument"
	tests := []struct {
		name  string
		given string
		want  []cron.FieldError
	}{
		{"unknown names", `{"nome":1,"zzzzzzzz":2,"address":{"x~/y":1},"others":[{},{"street":""}]}`, []cron.FieldError{
			{Field: "/address/x~0~1y", Detail: unknown}, {Field: "/nome", Detail: unknown + `; did you mean "name"?`},
			{Field: "/others/1/street", Detail: unknown}, {Field: "/zzzzzzzz", Detail: unknown}}},
		{"wrong case", `{"Name":"y"}`, []cron.FieldError{{Field: "/Name", Detail: unknown + `; did you mean "name"?`}}},
		{"hidden name", `{"Hidden":"y"}`, []cron.FieldError{{Field: "/Hidden", Detail: unknown}}},
		{"wrong types", `{"name":1,"n":"1","rate":true,"address":[],"others":{},"headers":{"b":2},"a/b~c":null}`, []cron.FieldError{
			{Field: "/a~1b~0c", Detail: "a JSON null where the type must be boolean"},
			{Field: "/address", Detail: "a JSON array where the type must be object"},
			{Field: "/headers/b", Detail: "a JSON number where the type must be string"},
			{Field: "/n", Detail: "a JSON string where the type must be integer"},
			{Field: "/name", Detail: "a JSON number where the type must be string"},
			{Field: "/others", Detail: "a JSON object where the type must be array"},
			{Field: "/rate", Detail: "a JSON boolean where the type must be number"}}},
		{"inside of a list", `{"others":[{"zip":1},{"zip":"1"}]}`, []cron.FieldError{{Field: "/others/1/zip", Detail: "a JSON string where the type must be integer"}}},
		{"no integer", `{"n":1.5}`, []cron.FieldError{{Field: "/n", Detail: "a JSON number 1.5 where the type must be int8"}}},
		{"out of range", `{"address":{"zip":1e99}}`, []cron.FieldError{{Field: "/address/zip", Detail: "a JSON number 1e99 where the type must be int"}}},
		{"too large", `{"n":128}`, []cron.FieldError{{Field: "/n", Detail: "a JSON number 128 where the type must be int8"}}},
		{"no times", `{"since":"soon","until":"2028-01-01"}`, []cron.FieldError{
			{Field: "/since", Detail: `"soon" is not a time such as 2027-01-31T09:30:00Z (RFC 3339)`},
			{Field: "/until", Detail: `"2028-01-01" is not a time such as 2027-01-31T09:30:00Z (RFC 3339)`}}},
		{"no object", `[1]`, []cron.FieldError{{Detail: `arguments are a JSON object, such as {"name": "value"}`}}},
		{"no JSON", `{"n":}`, []cron.FieldError{{Detail: "not valid JSON: invalid character '}' looking for beginning of value"}}},
		{"half of it", `{"n":1`, []cron.FieldError{{Detail: "not valid JSON: unexpected end"}}},
		{"more", `{"n":1} {}`, []cron.FieldError{{Detail: "not valid JSON: unexpected data after the value"}}},
	}
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Args(allDefaults))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, r, "job", crontest.Args(json.RawMessage(tt.given)))
			var refused *cron.ArgsError
			if !errors.As(got.Err, &refused) || refused.Job != "job" || !slices.Equal(refused.Fields, tt.want) {
				t.Errorf("%v\nwant %v", got.Err, &cron.ArgsError{Job: "job", Fields: tt.want})
			}
		})
	}
}

func TestValidateDecides(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Args(picky{N: 1}))
	for given, want := range map[string]string{
		`{"n":2}`:  "",
		`{"n":0}`:  `arguments of job "job": n must be positive`,
		`{"n":13}`: `picky panicked at cron/args_test.go:`,
	} {
		got := run(t, r, "job", crontest.Args(json.RawMessage(given)))
		if want == "" && got.Err != nil || want != "" && (got.Err == nil || !strings.Contains(got.Err.Error(), want)) {
			t.Errorf("%s: %v, want %q", given, got.Err, want)
		}
	}
}

func TestJobWithoutArgs(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "@yearly", func(ctx context.Context) error {
		if got := cron.ArgsFrom[picky](ctx); got.N != 0 || cron.RunFrom(ctx).Args() != nil {
			return errors.New("there are arguments")
		}
		return nil
	})
	for _, tt := range []struct {
		given string
		ok    bool
	}{{"", true}, {"null", true}, {" { } ", true}, {`{"a":1}`, false}, {"7", false}, {"{", false}} {
		got := run(t, r, "job", crontest.Args(json.RawMessage(tt.given)))
		var refused *cron.ArgsError
		if tt.ok != (got.Err == nil) || !tt.ok && !errors.As(got.Err, &refused) {
			t.Errorf("%s: %v", tt.given, got.Err)
		}
	}
}

func TestArgsFrom(t *testing.T) {
	if got := cron.ArgsFrom[picky](t.Context()); got.N != 0 {
		t.Errorf("outside of a run: %+v", got)
	}
	got := runFunc(t, func(ctx context.Context) error {
		cron.ArgsFrom[address](ctx)
		return nil
	}, cron.Args(picky{N: 1}))
	var p *cron.PanicError
	if !errors.As(got.Err, &p) || !strings.Contains(got.Error, `ArgsFrom[cron_test.address]: the arguments of job "job" are of type cron_test.picky`) || !strings.HasPrefix(p.At, "cron/args_test.go:") {
		t.Errorf("another type: %v", got.Err)
	}
}

func TestSchema(t *testing.T) {
	r := cron.NewRegistry()
	r.Register("job", "@yearly", bubble.Nothing, cron.Args(allDefaults))
	jobs, err := r.Jobs(bubble.Defaults)
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Type                 string
		AdditionalProperties any
		Required             []string
		Properties           map[string]any
		Default              map[string]any
	}
	if err := json.Unmarshal(jobs[0].Args.Schema, &s); err != nil {
		t.Fatal(err)
	}
	if s.Type != "object" || s.AdditionalProperties != false || s.Required != nil || len(s.Properties) != 15 || s.Default["name"] != "x" {
		t.Errorf("%s", jobs[0].Args.Schema)
	}
	where := map[string]any{"city": map[string]any{"type": "string"}, "zip": map[string]any{"type": []any{"null", "integer"}}}
	for name, want := range map[string]any{
		"name":    map[string]any{"type": "string", "description": "who gets it"},
		"n":       map[string]any{"type": "integer", "minimum": -128.0, "maximum": 127.0},
		"since":   map[string]any{"type": "string", "format": "date-time"},
		"until":   map[string]any{"type": []any{"null", "string"}, "format": "date-time"},
		"every":   map[string]any{"type": "string"}, // it has a text of its own
		"pair":    true,                             // it has a JSON of its own
		"address": map[string]any{"type": "object", "additionalProperties": false, "properties": where},
		"extra":   map[string]any{"type": []any{"null", "object"}, "additionalProperties": false, "properties": where},
		"others": map[string]any{"type": []any{"null", "array"}, "items": map[string]any{
			"type": "object", "additionalProperties": false, "properties": where}},
	} {
		if got := s.Properties[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	var d allArgs
	if err := json.Unmarshal(jobs[0].Args.Defaults, &d); err != nil || d.Name != "x" {
		t.Errorf("defaults: %s, %v", jobs[0].Args.Defaults, err)
	}
}
