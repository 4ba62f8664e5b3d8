package cron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"

	"fibercrons/app/internal/texts"
)

// secretWords are parts of attribute keys whose values must not be logged. Keys are compared in lower case and without
// punctuation: API-Key, api_key and apiKey are the same.
var secretWords = []string{
	"password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "accesskey", "privatekey",
	"authorization", "bearer", "jwt", "cookie", "credential", "databaseurl", "connectionstring",
}

const redacted = "[redacted]"

var punctuation = strings.NewReplacer("_", "", "-", "", ".", "", " ", "")

func secretKey(key string) bool {
	key = punctuation.Replace(strings.ToLower(key))
	if key == "dsn" || key == "pwd" {
		return true
	}
	for _, w := range secretWords {
		if strings.Contains(key, w) {
			return true
		}
	}
	return false
}

// redact hides the values of secret keys, in groups, maps and structs too.
func redact(a slog.Attr) slog.Attr {
	if secretKey(a.Key) {
		return slog.String(a.Key, redacted)
	}
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindGroup:
		group := a.Value.Group()
		out := make([]slog.Attr, len(group))
		for i, member := range group {
			out[i] = redact(member)
		}
		a.Value = slog.GroupValue(out...)
	case slog.KindAny:
		if clean, found := redactAny(a.Value.Any()); found {
			a.Value = slog.AnyValue(clean)
		}
	default:
	}
	return a
}

// redactAny looks for secret keys in the JSON of v. If there are any, it returns the JSON value without their values.
func redactAny(v any) (clean any, found bool) {
	if _, is := v.(error); is || !mayHaveKeys(reflect.ValueOf(v)) {
		return nil, false
	}
	defer func() {
		if p := recover(); p != nil { // a method of v; do not call it again
			clean, found = fmt.Sprintf("[not shown: %T panicked]", v), true
		}
	}()
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, false
	}
	if len(raw) > texts.MaxLine+texts.Room { // methods of its fields may write more
		return tooLarge(v, texts.MaxLine), true
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&clean); err != nil {
		return nil, false
	}
	return clean, hide(clean)
}

// mayHaveKeys reports whether the JSON of v can hold an object.
func mayHaveKeys(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Map, reflect.Struct, reflect.Interface:
		return true
	case reflect.Pointer:
		return !v.IsNil()
	case reflect.Slice, reflect.Array:
		switch v.Type().Elem().Kind() {
		case reflect.Map, reflect.Struct, reflect.Interface, reflect.Pointer, reflect.Slice, reflect.Array:
			return true
		default:
		}
	default:
	}
	return false
}

// hide replaces the values of secret keys in decoded JSON, and reports whether there were any.
func hide(v any) (found bool) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if secretKey(key) {
				v[key], found = redacted, true
			} else if hide(value) {
				found = true
			}
		}
	case []any:
		for _, item := range v {
			found = hide(item) || found
		}
	}
	return found
}
