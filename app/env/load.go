package env

import (
	"context"
	"maps"
	"os"
	"strings"

	"fibercrons/app/schedule"
)

// Option changes where [Load] and [Fill] read from, for tests. By default they read the environment and .env.
type Option func(*source)

type source struct {
	env  map[string]string
	file string
}

// Env makes Load read m instead of the process environment. The file .env is still read, unless File("") is given too.
func Env(m map[string]string) Option { return func(s *source) { s.env = m } }

// File makes Load read path instead of .env in the working directory. An empty path reads no file. A missing file is
// not a mistake.
func File(path string) Option { return func(s *source) { s.file = path } }

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

func processEnv() map[string]string {
	m := make(map[string]string)
	for _, line := range os.Environ() {
		if name, value, ok := strings.Cut(line, "="); ok {
			m[name] = value
		}
	}
	return m
}

// ofOpenTelemetry returns OpenTelemetry's variables, or nil.
func (s settings) ofOpenTelemetry() (list map[string]Secret) {
	for name, value := range s.raw {
		if strings.HasPrefix(name, "OTEL_") {
			if list == nil {
				list = make(map[string]Secret)
			}
			list[name] = Secret(value)
		}
	}
	return list
}
