package env

import (
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"fibercrons/app/schedule"
)

// New is [Load] for a program that fills in a Config by itself: it reads neither .env nor the environment. A field that
// is zero gets its default, and all of Load's checks follow. The mistakes in its [*Error] name the field as well as the
// variable.
//
// Some fields have a default and mean something else by zero, such as Enabled, ShutdownGrace, CatchUpWindow, Port and
// MaxRunLog. Zero names those that are to stay zero, by the field's name:
//
//	env.New(env.Config{ShutdownGrace: 0}, "Enabled", "ShutdownGrace") // no schedules, and runs are cancelled at once
//
// Where the default is zero itself, as for DefaultTimeout and DefaultRetries, nothing has to be said. Alerts.On is without
// alerts as AlertKinds{}. OTel is taken as it is.
func New(c Config, zero ...string) (Config, []string, error) {
	values := settings{known: Variables(&c), raw: make(map[string]string)}
	fields := make(map[string]string) // by variable
	var found []Mistake
	for _, f := range fieldsOf(reflect.ValueOf(&c).Elem(), "", true) {
		if f.Name == "" {
			continue
		}
		fields[f.Name] = f.decl.Name
		stays := slices.Index(zero, f.decl.Name)
		if stays >= 0 {
			zero = slices.Delete(slices.Clone(zero), stays, stays+1)
			if !zeroMeans(f.value) {
				found = append(found, Mistake{Variable: f.decl.Name, Problem: "means nothing by its zero value", Remedy: "leave its name out"})
				continue
			}
		}
		if stays >= 0 || !f.value.IsZero() {
			values.raw[f.Name] = rawText(f.value.Interface())
		}
	}
	for _, name := range zero {
		found = append(found, Mistake{Variable: name, Problem: "is not a field of env.Config that a variable sets", Remedy: "correct the name, or leave it out"})
	}
	if c.Proxy.CGI {
		values.raw["REQUEST_METHOD"] = "GET"
	}
	values.tidy()

	schedule.PreferHost(strings.EqualFold(values.raw["CRON_TZDATA"], string(TZHost))) // before a zone is loaded
	var made Config
	wrong := values.read(&made)
	wrong = append(wrong, values.check(&made, wrong)...)
	values.inOrder(wrong)
	for i, m := range wrong {
		wrong[i].Variable = fmt.Sprintf("%s (%s)", fields[m.Variable], m.Variable)
	}
	if found = append(found, wrong...); len(found) > 0 {
		return Config{}, nil, &Error{Mistakes: found}
	}
	made.OTel = c.OTel
	made.settings = settingsOf(&made)
	return made, made.warnings(), nil
}

// zeroMeans reports whether a setting can be zero on purpose.
func zeroMeans(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	}
	return v.Type() == reflect.TypeFor[AlertKinds]()
}

// rawText is a value as its variable would have it.
func rawText(v any) string {
	switch v := v.(type) {
	case Secret:
		return v.Reveal()
	case Database:
		return v.Reveal()
	case time.Duration:
		return v.String() // exact
	case []string:
		return strings.Join(v, ",")
	case slog.Level:
		return v.String()
	case *time.Location:
		return v.String()
	}
	return fmt.Sprint(v)
}
