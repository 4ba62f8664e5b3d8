package dashboard

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ArgField is one argument in the form of a manual run or of a stored schedule.
type ArgField struct {
	Name  string // of the argument
	Input string // of the field in the form
	Kind  string // text, integer, number, boolean, choice, json
	About string
	Value string   // as shown in the field: the default, or what was typed
	Enum  []string // choice: the options
	Null  bool     // an empty field is null
	Wrong string   // what is wrong with the value that was typed
}

// Lines reports whether the field needs more than one line. A browser drops line ends from a field of one line.
func (f ArgField) Lines() bool { return f.Kind == "text" && strings.ContainsAny(f.Value, "\r\n") }

// argPrefix separates the names of arguments from the form's own fields.
const argPrefix = "arg."

// schema is the part of JSON Schema that forms support. Anything else becomes a JSON field.
type schema struct {
	Type        any        `json:"type"`
	Description string     `json:"description"`
	Enum        []any      `json:"enum"`
	Properties  properties `json:"properties"`
}

// properties keeps its written order, which is that of the Go type.
type properties []property

type property struct {
	name   string
	schema schema
}

func (p *properties) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var member json.RawMessage
		if err := d.Decode(&member); err != nil {
			return err
		}
		one := property{}
		one.name, _ = name.(string)
		_ = json.Unmarshal(member, &one.schema) // true and false are valid, empty schemas
		*p = append(*p, one)
	}
	return nil
}

// ArgFields returns the form fields of a job's arguments, if any.
func ArgFields(rawSchema, defaults json.RawMessage) []ArgField {
	var s schema
	if len(rawSchema) == 0 || json.Unmarshal(rawSchema, &s) != nil {
		return nil
	}
	values := map[string]json.RawMessage{}
	_ = json.Unmarshal(defaults, &values) // without them the fields are empty
	fields := make([]ArgField, 0, len(s.Properties))
	for _, p := range s.Properties {
		f := ArgField{Name: p.name, Input: argPrefix + p.name, About: p.schema.Description}
		f.Kind, f.Null = kindOf(p.schema.Type)
		for _, v := range p.schema.Enum {
			if text, ok := v.(string); ok {
				f.Kind, f.Enum = "choice", append(f.Enum, text)
			}
		}
		f.Value = fieldText(f.Kind, values[p.name])
		fields = append(fields, f)
	}
	return fields
}

func kindOf(typ any) (kind string, null bool) {
	var types []string
	switch typ := typ.(type) {
	case string:
		types = []string{typ}
	case []any:
		for _, one := range typ {
			text, _ := one.(string)
			types = append(types, text)
		}
	}
	null = slices.Contains(types, "null")
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	if len(types) != 1 {
		return "json", null
	}
	switch types[0] {
	case "string":
		return "text", null
	case "integer", "number", "boolean":
		if types[0] == "boolean" && null {
			return "json", null // a checkbox cannot show three values
		}
		return types[0], null
	}
	return "json", null
}

func fieldText(kind string, value json.RawMessage) string {
	var text string
	switch {
	case len(value) == 0, string(value) == "null" && kind != "json":
		return ""
	case (kind == "text" || kind == "choice") && json.Unmarshal(value, &text) == nil:
		return text
	case kind == "json":
		return pretty(value)
	}
	return string(value)
}

// WithTyped returns the fields with what was typed into a form of the same fields.
func WithTyped(fields []ArgField, form func(name string) (string, bool)) []ArgField {
	fields = slices.Clone(fields)
	for i, f := range fields {
		switch text, given := form(f.Input); {
		case f.Kind == "boolean":
			fields[i].Value = strconv.FormatBool(given && text != "")
		case given:
			fields[i].Value = unixLines(text)
		}
	}
	return fields
}

// Typed returns the values of a form by name, with the line ends that were typed.
func Typed(form url.Values) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		list := form[name]
		if len(list) == 0 {
			return "", false
		}
		return unixLines(list[0]), true
	}
}

// unixLines undoes what browsers do to line ends in forms.
func unixLines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// Args assembles arguments from a form. A value that is not a number stays a string, so that argument validation
// explains it.
func Args(fields []ArgField, form func(name string) (string, bool)) json.RawMessage {
	out := bytes.NewBufferString("{")
	for _, f := range fields {
		text, given := form(f.Input)
		var value []byte
		switch {
		case f.Kind == "boolean":
			value = []byte("false")
			if given && text != "" {
				value = []byte("true")
			}
		case !given:
			continue
		case strings.TrimSpace(text) == "" && f.Null:
			value = []byte("null")
		case f.Kind == "text" || f.Kind == "choice":
			value, _ = json.Marshal(text) // a string always can
		case strings.TrimSpace(text) == "":
			continue // the default
		case json.Valid([]byte(text)):
			value = []byte(text)
		default:
			value, _ = json.Marshal(text)
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		name, _ := json.Marshal(f.Name)
		out.Write(append(append(name, ':'), value...))
	}
	out.WriteByte('}')
	return out.Bytes()
}
