package cron

import (
	"encoding"
	"encoding/json"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/google/jsonschema-go/jsonschema"

	"fibercrons/app/internal/texts"
)

// The schema of arguments follows the Go type by the rules of encoding/json, and accepts everything that encoding/json
// accepts. Where a type has its own JSON form or is recursive, the schema accepts anything and the type decides.
// [jsonschema.For] does not follow these rules closely enough.

// dateTime is the format of a time as text (RFC 3339).
const dateTime = "date-time"

// base64Text is the encoding of bytes (RFC 4648).
const base64Text = "base64"

// durationText marks a time.Duration, which is a number of nanoseconds in Go's JSON and a text for people.
const durationText = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

// isDuration reports whether the schema is that of a time.Duration.
func isDuration(s *jsonschema.Schema) bool { return s.Pattern == durationText }

// knownSchemas are those of types whose methods do not show their JSON form.
var knownSchemas = map[reflect.Type]func() *jsonschema.Schema{
	reflect.TypeFor[time.Time](): func() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Format: dateTime} },
	reflect.TypeFor[time.Duration](): func() *jsonschema.Schema {
		return &jsonschema.Schema{Types: []string{"string", "integer"}, Pattern: durationText, Examples: []any{"1h30m"}}
	},
	reflect.TypeFor[json.Number](): func() *jsonschema.Schema { return &jsonschema.Schema{Types: []string{"number", "string"}} },
	reflect.TypeFor[big.Int]():     func() *jsonschema.Schema { return &jsonschema.Schema{Type: "integer"} },
}

func either[A any](t reflect.Type) bool {
	want := reflect.TypeFor[A]()
	return t.Implements(want) || reflect.PointerTo(t).Implements(want)
}

// schemaOf returns the schema of a type. within are the types that contain it.
func schemaOf(t reflect.Type, within []reflect.Type) *jsonschema.Schema {
	if t.Kind() == reflect.Pointer {
		return orNull(schemaOf(t.Elem(), within))
	}
	if known := knownSchemas[t]; known != nil {
		return known()
	}
	if either[json.Marshaler](t) || either[json.Unmarshaler](t) || slices.Contains(within, t) {
		return &jsonschema.Schema{}
	}
	switch write, read := either[encoding.TextMarshaler](t), either[encoding.TextUnmarshaler](t); {
	case write && read:
		return &jsonschema.Schema{Type: "string"}
	case write || read:
		return &jsonschema.Schema{}
	}
	if t.Name() != "" {
		within = append(slices.Clip(within), t)
	}
	switch t.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Int8, reflect.Int16, reflect.Int32:
		most := math.Pow(2, float64(t.Bits()-1)) - 1
		return &jsonschema.Schema{Type: "integer", Minimum: new(-most - 1), Maximum: new(most)}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		return &jsonschema.Schema{Type: "integer", Minimum: new(0.0), Maximum: new(math.Pow(2, float64(t.Bits())) - 1)}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}
	case reflect.Uint, reflect.Uint64, reflect.Uintptr:
		return &jsonschema.Schema{Type: "integer", Minimum: new(0.0)}
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Slice:
		if elem := t.Elem(); elem.Kind() == reflect.Uint8 && !either[json.Marshaler](elem) && !either[encoding.TextMarshaler](elem) {
			return &jsonschema.Schema{Types: []string{"null", "string"}, ContentEncoding: base64Text}
		}
		return &jsonschema.Schema{Types: []string{"null", "array"}, Items: schemaOf(t.Elem(), within)}
	case reflect.Array:
		return &jsonschema.Schema{Type: "array", Items: schemaOf(t.Elem(), within), MaxItems: new(t.Len())}
	case reflect.Map:
		return &jsonschema.Schema{Types: []string{"null", "object"}, AdditionalProperties: schemaOf(t.Elem(), within)}
	case reflect.Struct:
		return structSchema(t, within)
	default: // any, or a type without JSON, which encoding/json refuses
		return &jsonschema.Schema{}
	}
}

// orNull makes the schema accept null, too.
func orNull(s *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case s.Type != "":
		s.Type, s.Types = "", []string{"null", s.Type}
	case len(s.Types) > 0 && s.Types[0] != "null":
		s.Types = append([]string{"null"}, s.Types...)
	}
	return s
}

func structSchema(t reflect.Type, within []reflect.Type) *jsonschema.Schema {
	s := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	for _, f := range jsonFields(t) {
		member := schemaOf(f.typ, within)
		if f.quoted {
			if member = (&jsonschema.Schema{Type: "string"}); f.typ.Kind() == reflect.Pointer {
				member = orNull(member)
			}
		}
		member.Description = f.about
		s.Properties[f.name] = member
		s.PropertyOrder = append(s.PropertyOrder, f.name)
	}
	return s
}

// jsonField is a field of a struct as encoding/json sees it.
type jsonField struct {
	name   string
	typ    reflect.Type
	about  string
	quoted bool // a number or boolean written as a text
	tagged bool
}

// jsonFields are the fields of a struct and of its embedded structs. Of several fields with one name, the least nested
// one counts, or the only one with the name in its tag; otherwise none does.
func jsonFields(t reflect.Type) (all []jsonField) {
	type level struct {
		typ   reflect.Type
		twice bool // embedded more than once at this depth, so its names are ambiguous
	}
	seen := map[reflect.Type]bool{}
	taken := map[string]bool{}
	for now := []level{{typ: t}}; len(now) > 0; {
		var next []level
		found := map[string][]jsonField{}
		var order []string
		for _, l := range now {
			if seen[l.typ] {
				continue
			}
			seen[l.typ] = true
			for i := range l.typ.NumField() {
				sf := l.typ.Field(i)
				inner := sf.Type
				if inner.Kind() == reflect.Pointer && inner.Name() == "" {
					inner = inner.Elem()
				}
				tag := sf.Tag.Get("json")
				name, options, _ := strings.Cut(tag, ",")
				if !validName(name) {
					name = ""
				}
				switch {
				case tag == "-", !sf.IsExported() && (!sf.Anonymous || inner.Kind() != reflect.Struct):
					continue
				case sf.Anonymous && name == "" && inner.Kind() == reflect.Struct:
					if k := slices.IndexFunc(next, func(n level) bool { return n.typ == inner }); k >= 0 {
						next[k].twice = true
					} else {
						next = append(next, level{inner, l.twice})
					}
					continue
				}
				f := jsonField{name: name, typ: sf.Type, about: sf.Tag.Get("jsonschema"), tagged: name != ""}
				if name == "" {
					f.name = sf.Name
				}
				f.quoted = slices.Contains(strings.Split(options, ","), "string") && quotable(inner.Kind())
				if found[f.name] == nil {
					order = append(order, f.name)
				}
				found[f.name] = append(found[f.name], f)
				if l.twice {
					found[f.name] = append(found[f.name], f)
				}
			}
		}
		for _, name := range order {
			if taken[name] {
				continue
			}
			taken[name] = true
			list := found[name]
			if len(list) > 1 {
				list = slices.DeleteFunc(list, func(f jsonField) bool { return !f.tagged })
			}
			if len(list) == 1 {
				all = append(all, list[0])
			}
		}
		now = next
	}
	return all
}

func quotable(k reflect.Kind) bool {
	return k >= reflect.Bool && k <= reflect.Float64 || k == reflect.String
}

// validName reports whether encoding/json accepts a name in a tag.
func validName(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// hasDurations reports whether a value of the schema can hold a time.Duration.
func hasDurations(s *jsonschema.Schema) bool {
	if s == nil || isDuration(s) {
		return s != nil
	}
	for _, member := range s.Properties {
		if hasDurations(member) {
			return true
		}
	}
	return hasDurations(s.Items) || hasDurations(s.AdditionalProperties)
}

// eachDuration applies change to the durations in a decoded value.
func eachDuration(s *jsonschema.Schema, value any, change func(any) any) any {
	if s == nil {
		return value
	}
	if isDuration(s) {
		return change(value)
	}
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			of := s.Properties[name]
			if of == nil {
				of = s.AdditionalProperties
			}
			v[name] = eachDuration(of, member, change)
		}
	case []any:
		for i := range v {
			v[i] = eachDuration(s.Items, v[i], change)
		}
	}
	return value
}

// inNanoseconds converts a duration to the form that Go decodes.
func inNanoseconds(v any) any {
	if text, ok := v.(string); ok {
		if d, err := time.ParseDuration(text); err == nil {
			return json.Number(big.NewInt(int64(d)).String())
		}
	}
	return v
}

// inWords converts a duration to text.
func inWords(v any) any {
	if n, ok := v.(json.Number); ok {
		if d, err := n.Int64(); err == nil {
			return texts.Duration(time.Duration(d))
		}
	}
	return v
}
