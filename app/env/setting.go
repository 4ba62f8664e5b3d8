package env

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"time"
)

// Changed reports whether the value differs from the default.
func (s Setting) Changed() bool { return s.changed }

// Settings lists every variable read with c, the user's included, with its value. It holds no secrets.
func (c Config) Settings() []Setting { return c.settings }

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

func textOf(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case slog.Level:
		return strings.ToLower(v.String())
	case time.Duration:
		text := v.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	return fmt.Sprint(v)
}
