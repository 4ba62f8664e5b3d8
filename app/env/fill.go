package env

import (
	"errors"
	"log/slog"
	"reflect"
	"strconv"
	"time"

	caarlos "github.com/caarlos0/env/v11"
)

// parsers replace those of package env for these types.
var parsers = map[reflect.Type]caarlos.ParserFunc{
	reflect.TypeFor[time.Duration](): func(text string) (any, error) { return ParseDuration(text) },
	reflect.TypeFor[time.Location](): func(text string) (any, error) { return zone(text) },
}

// read fills dst, a pointer to a struct, and returns the values that could not be parsed. Each field is parsed in a
// struct of its own, because the library's errors name only the Go field.
func (s settings) read(dst any) []Mistake {
	var found []Mistake
	for _, f := range fieldsOf(reflect.ValueOf(dst).Elem(), "", true) {
		alone := f.decl
		alone.Anonymous = false
		box := reflect.New(reflect.StructOf([]reflect.StructField{alone}))
		err := caarlos.ParseWithOptions(box.Interface(), caarlos.Options{Environment: s.raw, Prefix: f.prefix, FuncMap: parsers})
		if err != nil {
			found = append(found, s.unreadable(f, err))
			continue
		}
		f.value.Set(box.Elem().Field(0))
	}
	return found
}

func (s settings) unreadable(f field, err error) Mistake {
	_, isSet := s.raw[f.Name]
	if f.Name == "" || isUnsupported(err) || !isSet && !isMissing(err) {
		// This is a mistake in the source, not in the environment: the library's text holds only values from the
		// source.
		return Mistake{Variable: "config: field " + f.decl.Name, Problem: err.Error(), Remedy: "correct its type, tag or default"}
	}
	m := s.mistake(f.Variable, "", "")
	if isMissing(err) {
		m.Value, m.Problem, m.Remedy = "", "is required and not set", "set it"
		if f.Want != "" {
			m.Remedy = "set it to " + f.Want
		}
		return m
	}
	if parse, ok := errors.AsType[caarlos.ParseError](err); ok {
		err = parse.Err // it does not unwrap
	}
	if p, ok := errors.AsType[*problem](err); ok {
		m.Problem = p.what
		if p.remedy != "" {
			m.Remedy = p.remedy
		}
		if p.shown != "" {
			m.Value = p.shown
		}
		return m
	}
	what, mayShow := describe(f.decl.Type, err)
	m.Problem = what
	if !mayShow {
		m.Value = hidden
	}
	return m
}

// describe rewords a library's parse error, and reports whether the value may be shown. Text and value of an unknown
// type may hold a password, as a URL does.
func describe(t reflect.Type, err error) (what string, mayShow bool) {
	if t == reflect.TypeFor[slog.Level]() {
		return "not a log level", true
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if errors.Is(err, strconv.ErrRange) {
			return "a number out of range", true
		}
		return "not a whole number", true
	case reflect.Float32, reflect.Float64:
		return "not a number", true
	case reflect.Bool:
		return "not true or false", true
	default:
		return "cannot be read as " + t.String(), false
	}
}

func isMissing(err error) bool {
	_, notSet := errors.AsType[caarlos.VarIsNotSetError](err)
	_, empty := errors.AsType[caarlos.EmptyVarError](err)
	return notSet || empty
}

func isUnsupported(err error) bool {
	_, noParser := errors.AsType[caarlos.NoParserError](err)
	_, noOption := errors.AsType[caarlos.NoSupportedTagOptionError](err)
	return noParser || noOption
}
