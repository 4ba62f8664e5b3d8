package cron

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"fibercrons/app/internal/texts"
)

// ArgsSpec describes the arguments of a job.
type ArgsSpec struct {
	Defaults json.RawMessage // a JSON object, with each time.Duration as a text
	Schema   json.RawMessage // JSON Schema 2020-12, derived from the Go type

	typ       reflect.Type
	schema    *jsonschema.Schema
	durations bool // the arguments may hold durations
	decode    func(complete json.RawMessage) error
	read      func(complete json.RawMessage) (canonical json.RawMessage, err error)
}

// rewrite applies change to the durations in arguments.
func (a *ArgsSpec) rewrite(args json.RawMessage, change func(any) any) (json.RawMessage, error) {
	if !a.durations || len(args) == 0 {
		return args, nil
	}
	value, err := decodeNumbers(args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(eachDuration(a.schema, value, change))
}

// decodeNumbers decodes one JSON value and keeps all digits.
func decodeNumbers(raw []byte) (v any, err error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("unexpected end")
		}
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("unexpected data after the value")
	}
	return v, nil
}

// merge overlays the given arguments on the defaults.
func (a *ArgsSpec) merge(given map[string]any) (json.RawMessage, []FieldError) {
	defaults, err := decodeNumbers(a.Defaults)
	if err != nil {
		return nil, []FieldError{{Detail: err.Error()}}
	}
	merged, wrong := overlay(a.schema, "", defaults, given)
	if len(wrong) > 0 {
		return nil, wrong
	}
	raw, err := a.plain(merged)
	if err == nil {
		raw, err = a.read(raw)
	}
	if err == nil {
		raw, err = a.rewrite(raw, inWords)
	}
	if err != nil {
		return nil, a.blame(given, err)
	}
	return raw, nil
}

// plain returns merged arguments in the form that Go decodes.
func (a *ArgsSpec) plain(merged any) (json.RawMessage, error) {
	raw, err := json.Marshal(merged)
	if err == nil {
		raw, err = a.rewrite(raw, inNanoseconds)
	}
	return raw, err
}

// blame names the fields that err is about. Package json names a field of the wrong JSON type. To find values that a
// type's own methods refuse, blame tries one argument at a time, with defaults for the others.
func (a *ArgsSpec) blame(given map[string]any, err error) []FieldError {
	if errors.As(err, new(*json.UnmarshalTypeError)) {
		return []FieldError{argError(err)}
	}
	var wrong []FieldError
	for _, name := range slices.Sorted(maps.Keys(given)) {
		alone := func(value any) map[string]any { return map[string]any{name: value} }
		if err := a.refuses(alone(given[name])); err != nil {
			at, err := a.narrow(given[name], err, alone)
			f := argError(err)
			f.Field = pointer(name) + at
			wrong = append(wrong, f)
		}
	}
	if len(wrong) == 0 { // only the combination is refused, by Validate
		return []FieldError{argError(err)}
	}
	return wrong
}

// refuses returns the Go type's error if only these arguments are given.
func (a *ArgsSpec) refuses(given map[string]any) error {
	defaults, err := decodeNumbers(a.Defaults)
	if err != nil {
		return nil //nolint:nilerr // they were decoded before
	}
	merged, wrong := overlay(a.schema, "", defaults, given)
	if len(wrong) > 0 {
		return nil
	}
	raw, err := a.plain(merged)
	if err != nil {
		return nil //nolint:nilerr // it is what was given
	}
	return a.decode(raw)
}

// narrow finds the part of value that is refused on its own, and its path in value. whole returns the arguments with
// another value in place of value.
func (a *ArgsSpec) narrow(value any, err error, whole func(any) map[string]any) (at string, _ error) {
	try := func(step string, part any, put func(any) any) (string, error, bool) {
		in := func(v any) map[string]any { return whole(put(v)) }
		refused := a.refuses(in(part))
		if refused == nil {
			return "", nil, false
		}
		below, refused := a.narrow(part, refused, in)
		return step + below, refused, true
	}
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			if at, err, found := try(pointer(name), value[name], func(v any) any { return map[string]any{name: v} }); found {
				return at, err
			}
		}
	case []any:
		for i, part := range value {
			if at, err, found := try(fmt.Sprintf("/%d", i), part, func(v any) any { return []any{v} }); found {
				return at, err
			}
		}
	}
	return "", err
}

// adapt makes every name of a schema optional, because each has a default. If the default value does not match the
// schema, the Go type has its own JSON form, and adapt accepts anything there. has says whether there is a default.
func adapt(s *jsonschema.Schema, value any, has bool) {
	if s == nil {
		return
	}
	s.Required = nil
	if has && !fits(s, value) {
		*s = jsonschema.Schema{Description: s.Description}
	}
	members, _ := value.(map[string]any)
	for name, member := range s.Properties {
		v, ok := members[name]
		adapt(member, v, ok)
	}
	adapt(s.Items, nil, false)
	adapt(s.AdditionalProperties, nil, false)
}

// overlay puts given over defaults at the JSON pointer at. It reports names and types that the schema does not have
// there, and texts that are not a valid time.
func overlay(s *jsonschema.Schema, at string, defaults, given any) (merged any, wrong []FieldError) {
	if s == nil {
		return given, nil
	}
	if !fits(s, given) {
		return nil, []FieldError{{Field: at, Detail: fmt.Sprintf("a JSON %s where the type must be %s", jsonKind(given), wanted(s))}}
	}
	switch given := given.(type) {
	case string:
		if what := misread(s, given); what != "" {
			return nil, []FieldError{{Field: at, Detail: texts.Shorten(fmt.Sprintf("%q is not %s", given, what), maxDetail)}}
		}
	case map[string]any:
		base, _ := defaults.(map[string]any)
		out := maps.Clone(base)
		if out == nil {
			out = make(map[string]any, len(given))
		}
		for _, name := range slices.Sorted(maps.Keys(given)) {
			member, known := s.Properties[name]
			_, hasDefault := base[name]
			switch {
			case known:
			case s.Properties == nil && !closed(s): // a map
				member = s.AdditionalProperties
			case !hasDefault:
				wrong = append(wrong, FieldError{Field: at + pointer(name), Detail: unknownName(name, s)})
				continue
			}
			value, w := overlay(member, at+pointer(name), base[name], given[name])
			out[name], wrong = value, append(wrong, w...)
		}
		return out, wrong
	case []any:
		if s.MaxItems != nil && len(given) > *s.MaxItems {
			return nil, []FieldError{{Field: at, Detail: fmt.Sprintf("the list has %d items, the maximum is %d", len(given), *s.MaxItems)}}
		}
		for i := range given {
			var w []FieldError
			given[i], w = overlay(s.Items, fmt.Sprintf("%s/%d", at, i), nil, given[i])
			wrong = append(wrong, w...)
		}
	}
	return given, wrong
}

// misread returns what a text should be, if it is not.
func misread(s *jsonschema.Schema, text string) string {
	switch {
	case s.Format == dateTime:
		if new(time.Time).UnmarshalText([]byte(text)) != nil {
			return "a time such as 2027-01-31T09:30:00Z (RFC 3339)"
		}
	case isDuration(s):
		if _, err := time.ParseDuration(text); err != nil {
			return "a duration such as 1h30m"
		}
	case s.ContentEncoding == base64Text:
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return "base64 (RFC 4648)"
		}
	}
	return ""
}

// closed reports whether an object of the schema allows only the listed names.
func closed(s *jsonschema.Schema) bool {
	return s.AdditionalProperties != nil && s.AdditionalProperties.Not != nil
}

func unknownName(name string, s *jsonschema.Schema) string {
	if near := texts.Nearest(name, slices.Collect(maps.Keys(s.Properties))); near != "" {
		return fmt.Sprintf("the job has no such argument; did you mean %q?", near)
	}
	return "the job has no such argument"
}

// fits reports whether v has a type that the schema names.
func fits(s *jsonschema.Schema, v any) bool {
	types := types(s)
	kind := jsonKind(v)
	return len(types) == 0 || slices.Contains(types, kind) ||
		kind == "number" && slices.Contains(types, "integer") // the Go type checks for an integer
}

func types(s *jsonschema.Schema) []string {
	if s.Type != "" {
		return []string{s.Type}
	}
	return s.Types
}

func wanted(s *jsonschema.Schema) string {
	named := slices.DeleteFunc(slices.Clone(types(s)), func(t string) bool { return t == "null" })
	return strings.Join(named, " or ")
}

// jsonKind names the type of a decoded JSON value, as in JSON Schema.
func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// pointer is a step of a JSON pointer (RFC 6901).
func pointer(name string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

// argError describes an error of the Go type, such as a number out of its range.
func argError(err error) FieldError {
	var typ *json.UnmarshalTypeError
	if !errors.As(err, &typ) {
		return FieldError{Detail: texts.Shorten(strings.TrimPrefix(err.Error(), "json: "), maxDetail)}
	}
	f := FieldError{Detail: fmt.Sprintf("a JSON %s where the type must be %s", typ.Value, typ.Type)}
	for name := range strings.SplitSeq(typ.Field, ".") {
		f.Field += pointer(name)
	}
	return f
}
