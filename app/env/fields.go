package env

import (
	"reflect"
	"strings"
)

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
