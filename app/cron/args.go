package cron

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// ArgsSpec describes the arguments of a job.
type ArgsSpec struct {
	Defaults json.RawMessage // a JSON object, with each time.Duration as a text
	Schema   json.RawMessage // JSON Schema 2020-12, derived from the Go type

	typ       reflect.Type
	schema    *jsonschema.Schema
	durations bool // the arguments may hold durations
	decode    func(complete json.RawMessage) error
	read      func(complete json.RawMessage) (canonical json.RawMessage, err error)
}

// Args gives the job typed arguments with defaults. T is a struct that encoding/json can write and read. Its JSON names
// are the arguments' names, and a `jsonschema:"..."` tag describes one. A time.Duration is written as a text such as
// "1h30m"; a number of nanoseconds is accepted too. Scheduled runs get the defaults. Arguments of a manual run are
// checked before the run is accepted: unknown names, wrong types and errors of a method Validate() error of T or *T
// refuse it. Omitted arguments keep their defaults, also in nested objects; a list replaces the default list. In the
// job, [ArgsFrom] returns the arguments.
func Args[T any](defaults T) Option {
	return func(d *definition) {
		spec, err := newArgsSpec(defaults)
		if err != nil {
			d.mistake("arguments: %v", err)
			return
		}
		d.args = spec
	}
}

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

// rewrite applies change to the durations in arguments.
func (a *ArgsSpec) rewrite(args json.RawMessage, change func(any) any) (json.RawMessage, error) {
	if !a.durations || len(args) == 0 {
		return args, nil
	}
	value, err := decodeNumbers(args)
	if err != nil {
		return nil, err
	}
	return json.Marshal(eachDuration(a.schema, value, change))
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

// DefaultArgs are the arguments of a run without its own; nil if the job takes none.
func (j *Job) DefaultArgs() json.RawMessage {
	if j.Args == nil {
		return nil
	}
	return j.Args.Defaults
}

// Accept checks the arguments of a run and fills in the defaults.
func (j *Job) Accept(given json.RawMessage) (json.RawMessage, error) {
	names, wrong := parseArgs(given)
	switch {
	case wrong != nil:
	case j.Args != nil:
		var args json.RawMessage
		if args, wrong = j.Args.merge(names); wrong == nil {
			return args, nil
		}
	case len(names) > 0:
		wrong = []FieldError{{Detail: "the job takes no arguments"}}
	default:
		return nil, nil
	}
	return nil, &ArgsError{Job: j.Name, Fields: wrong}
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

// ArgsFrom returns the arguments of the run in ctx. T must be the type given to [Args]; with another type it panics,
// and the run fails. Outside of a run, and in a job without arguments, it returns the zero T.
func ArgsFrom[T any](ctx context.Context) (args T) {
	run := RunFrom(ctx)
	if run == nil || len(run.arguments()) == 0 {
		return args
	}
	if spec := run.job.Args; spec != nil && spec.typ != reflect.TypeFor[T]() {
		panic(fmt.Errorf("ArgsFrom[%s]: the arguments of job %q are of type %s", reflect.TypeFor[T](), run.job.Name, spec.typ))
	}
	if err := json.Unmarshal(run.Args(), &args); err != nil {
		panic(fmt.Errorf("ArgsFrom[%s]: %w", reflect.TypeFor[T](), err))
	}
	return args
}
