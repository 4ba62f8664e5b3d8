package env

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
	// Yours says that it is not one of [Config]'s but of the struct that embeds Config.
	Yours bool
}

// Variables lists every variable that [Fill] reads into dst, a pointer to a struct, in the order of its fields.
func Variables(dst any) []Variable {
	var list []Variable
	for _, f := range fieldsOf(reflect.ValueOf(dst).Elem(), "", true) {
		if f.Name != "" {
			list = append(list, f.Variable)
		}
	}
	return list
}

// field is a field of the struct to fill, or of a struct inside it, that has a variable.
type field struct {
	Variable
	value  reflect.Value
	decl   reflect.StructField
	prefix string
}

// fieldsOf walks v, a struct. A struct without an env tag only holds further fields. Whatever is not in a Config is
// the user's.
func fieldsOf(v reflect.Value, prefix string, yours bool) []field {
	var list []field
	yours = yours && v.Type() != reflect.TypeFor[Config]()
	for i := range v.NumField() {
		decl := v.Type().Field(i)
		key, _, _ := strings.Cut(decl.Tag.Get("env"), ",")
		if !decl.IsExported() || key == "-" {
			continue
		}
		if key == "" && decl.Type.Kind() == reflect.Struct {
			list = append(list, fieldsOf(v.Field(i), prefix+decl.Tag.Get("envPrefix"), yours)...)
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
				Yours:   yours,
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
