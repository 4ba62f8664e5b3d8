package env

import (
	"reflect"
	"strings"
)

// Variable describes an environment variable.
type Variable struct {
	// Name is the variable's name, Default its value when not set.
	Name, Default string
	// About says in one sentence what it is for, Want what a valid value is.
	About, Want string
	// Secret means that the value must not be shown.
	Secret bool
	// Yours means that the variable belongs to the struct that embeds [Config].
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

// field is a field with a variable, of the struct to fill or of a nested struct.
type field struct {
	Variable
	value  reflect.Value
	decl   reflect.StructField
	prefix string
}

// fieldsOf walks v, a struct. A struct field without an env tag only holds further fields. Fields outside of a Config
// are the user's.
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

// remedy returns the advice for any invalid value of v.
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

// Setting is a variable and its value in force.
type Setting struct {
	Variable
	// Value is the value as text; for a secret only whether it is set.
	Value   string
	changed bool
}
