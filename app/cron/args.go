package cron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

func newArgsSpec[T any](defaults T) (*ArgsSpec, error) {
	spec := &ArgsSpec{typ: reflect.TypeFor[T](), read: readArgs[T], decode: decodeArgs[T]}
	if spec.typ.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is not a struct", spec.typ)
	}
	raw, err := json.Marshal(&defaults) // by address, for methods of pointers
	if err != nil {
		return nil, fmt.Errorf("the defaults are not JSON: %w", err)
	}
	values, err := decodeNumbers(raw)
	if err != nil {
		return nil, err
	}
	if _, ok := values.(map[string]any); !ok {
		return nil, fmt.Errorf("the JSON of %s is not an object, so they have no names", spec.typ)
	}
	if _, err := spec.read(raw); err != nil {
		return nil, fmt.Errorf("the defaults are refused: %w", err)
	}
	spec.schema = schemaOf(spec.typ, nil)
	adapt(spec.schema, values, true)
	spec.durations = hasDurations(spec.schema)
	if spec.Defaults, err = spec.rewrite(raw, inWords); err != nil {
		return nil, err
	}
	spec.schema.Default = spec.Defaults
	if spec.Schema, err = json.Marshal(spec.schema); err != nil {
		return nil, err
	}
	return spec, nil
}

// decodeArgs checks that the arguments are a T.
func decodeArgs[T any](complete json.RawMessage) (err error) {
	defer isolateArgs[T](&err)
	return strictly(complete, new(T))
}

// strictly refuses names that the Go type does not have. The schemas of some types do not list their names.
func strictly(complete json.RawMessage, args any) error {
	dec := json.NewDecoder(bytes.NewReader(complete))
	dec.DisallowUnknownFields()
	return dec.Decode(args)
}

func isolateArgs[T any](err *error) {
	if v := recover(); v != nil {
		*err = fmt.Errorf("a method of %s panicked at %s: %v", reflect.TypeFor[T](), panicSite(), v)
	}
}

// readArgs decodes and checks complete arguments, and returns them as T encodes them.
func readArgs[T any](complete json.RawMessage) (canonical json.RawMessage, err error) {
	defer isolateArgs[T](&err)
	var args T
	if err := strictly(complete, &args); err != nil {
		return nil, err
	}
	if v, ok := any(&args).(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return nil, err
		}
	}
	return json.Marshal(&args)
}

// parseArgs reads a JSON object. An empty text and null count as an empty object.
func parseArgs(given json.RawMessage) (map[string]any, []FieldError) {
	if given = bytes.TrimSpace(given); len(given) == 0 {
		return nil, nil
	}
	v, err := decodeNumbers(given)
	if err != nil {
		return nil, []FieldError{{Detail: "not valid JSON: " + strings.TrimPrefix(err.Error(), "json: ")}}
	}
	names, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, []FieldError{{Detail: `arguments are a JSON object, such as {"name": "value"}`}}
	}
	return names, nil
}
