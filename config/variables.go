package config

import (
	"reflect"
	"strings"
)

// Variable describes one variable of the environment.
type Variable struct {
	// Name is the variable, Default the text that counts when it is not set.
	Name, Default string
	// About says what it is for in one sentence, Want what a good value is.
	About, Want string
	// Secret says that the value must not be shown.
	Secret bool
	// Yours says that it comes from [Local].
	Yours bool
}

// Variables lists every variable that is read, in the order of .env.example.
func Variables() []Variable {
	var list []Variable
	for _, f := range fieldsOf(reflect.ValueOf(new(Config)).Elem(), "", false) {
		if f.Name != "" {
			list = append(list, f.Variable)
		}
	}
	return list
}

// field is a field of Config (or of a struct inside it) that env reads.
type field struct {
	Variable
	value  reflect.Value
	decl   reflect.StructField
	prefix string
}

// fieldsOf walks v, a struct. A struct without an env tag only holds further fields; everything else is env's to read.
func fieldsOf(v reflect.Value, prefix string, yours bool) []field {
	var list []field
	for i := range v.NumField() {
		decl := v.Type().Field(i)
		key, _, _ := strings.Cut(decl.Tag.Get("env"), ",")
		if !decl.IsExported() || key == "-" {
			continue
		}
		inLocal := yours || decl.Type == reflect.TypeFor[Local]()
		if key == "" && decl.Type.Kind() == reflect.Struct {
			list = append(list, fieldsOf(v.Field(i), prefix+decl.Tag.Get("envPrefix"), inLocal)...)
			continue
		}
		f := field{value: v.Field(i), decl: decl, prefix: prefix}
		if key != "" {
			f.Variable = Variable{
				Name:    prefix + key,
				Default: decl.Tag.Get("envDefault"),
				About:   decl.Tag.Get("about"),
				Want:    decl.Tag.Get("want"),
				Secret:  decl.Type == reflect.TypeFor[Secret]() || decl.Tag.Get("secret") == "true",
				Yours:   inLocal,
			}
		}
		list = append(list, f)
	}
	return list
}

// remedy is the advice that fits any wrong value of v.
func (v Variable) remedy() string {
	remove := "remove it"
	if v.Default != "" {
		remove = "remove it for the default " + v.Default
	}
	if v.Want == "" {
		return "correct it, or " + remove
	}
	return "set it to " + v.Want + ", or " + remove
}
