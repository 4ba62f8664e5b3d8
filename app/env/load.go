package env

import (
	"context"
	"maps"
	"reflect"
	"strings"

	"fibercrons/app/schedule"
)

// Loader loads the settings of a program. own adds the program's own to the context of runs and requests, or is nil.
type Loader func(...Option) (c Config, own func(context.Context) context.Context, warnings []string, err error)

// Load reads and checks the settings of the template alone; see [Fill].
func Load(opts ...Option) (Config, []string, error) {
	var c Config
	warnings, err := Fill(&c, &c, opts...)
	if err != nil {
		return Config{}, warnings, err
	}
	return c, warnings, nil
}

// Fill reads the variables of dst, a pointer to a struct that embeds or is *own, and checks them. The warnings are one
// sentence each, for the caller to log. The error is an [*Error] with every mistake; do not use dst then.
func Fill(dst any, own *Config, opts ...Option) (warnings []string, err error) {
	s := source{file: ".env"}
	for _, opt := range opts {
		opt(&s)
	}
	if s.env == nil {
		s.env = processEnv()
	}

	fromFile, warnings, unreadable := readFile(s.file)
	s.env = maps.Clone(s.env)
	upperCase(fromFile)
	upperCase(s.env)
	values := settings{known: Variables(dst), file: s.file, inFile: make(map[string]bool), raw: make(map[string]string)}
	for name, value := range fromFile {
		values.raw[name], values.inFile[name] = value, true
	}
	for name, value := range s.env {
		values.raw[name], values.inFile[name] = value, false
	}
	warnings = append(warnings, unknown(values.raw, values.known)...)
	values.tidy()

	schedule.PreferHost(strings.EqualFold(values.raw["CRON_TZDATA"], string(TZHost))) // before a zone is loaded
	found := values.read(dst)
	if len(unreadable) > 0 {
		// The content of the file is unknown, so report only values that are invalid by themselves.
		values.inOrder(found)
		return warnings, &Error{Mistakes: append(unreadable, found...)}
	}
	found = append(found, values.check(own, found)...)
	if len(found) > 0 {
		values.inOrder(found)
		return warnings, &Error{Mistakes: found}
	}
	own.OTel = values.ofOpenTelemetry()
	own.settings = settingsOf(dst)
	return append(warnings, own.warnings()...), nil
}

func settingsOf(dst any) []Setting {
	var list []Setting
	plain := reflect.New(reflect.TypeOf(dst).Elem())
	settings{}.read(plain.Interface()) // a required variable of the user's has no default
	defaults := fieldsOf(plain.Elem(), "", true)
	for i, f := range fieldsOf(reflect.ValueOf(dst).Elem(), "", true) {
		if f.Name == "" {
			continue
		}
		s := Setting{Variable: f.Variable, changed: !reflect.DeepEqual(f.value.Interface(), defaults[i].value.Interface())}
		switch {
		case f.Secret && f.value.IsZero():
			s.Value = "not set"
		case f.Secret:
			s.Value = "set, " + hidden
		default:
			s.Value = textOf(f.value.Interface())
		}
		list = append(list, s)
	}
	return list
}
