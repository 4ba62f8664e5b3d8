package cron

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"fibercrons/app/internal/texts"
)

// The bounds, in bytes, of what a job hands over. Each text is cut where it comes in, and ends in a mark then
// that says how much is missing, so that nothing behind it (the program's log, the store, alerts, pings, traces,
// hooks, streams) meets more. The log of a run as a whole is bounded by scheduler.Config.MaxRunLog.
const (
	maxLine         = texts.MaxLine
	maxError        = 15 << 10 // an error as it is returned, which leaves room for what the wrappers add
	maxStack        = 64 << 10 // of a panic
	maxAttrs        = 64 << 10 // all attributes of a line in the program's log
	maxKey          = 1 << 10  // the key of an attribute
	maxResult       = 64 << 10 // more is refused
	maxProgressText = 1 << 10
	maxDetail       = 1 << 10 // what a method Validate says about arguments
	maxDescription  = 4 << 10 // more is a mistake of the registration, as of metadata
	maxMeta         = 4 << 10
)

// shortError is an error whose own text is too long.
type shortError struct {
	text string
	err  error
}

func (e *shortError) Error() string { return e.text }

func (e *shortError) Unwrap() error { return e.err }

// bounded returns err, or what stands for it when its text is too long. It calls the methods that an
// error has of its own, so that one that panics, as a typed nil often does, panics here, where it is
// isolated, and not wherever it is handled later.
func bounded(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	_ = errors.Is(err, neverError{})
	_ = errors.As(err, &neverError{})
	return shortErr(err, text)
}

func shortErr(err error, text string) error {
	if short := texts.Shorten(text, maxError); len(short) < len(text) {
		return &shortError{text: short, err: err}
	}
	return err
}

// allowance is what the attributes of a log line may take.
type allowance struct {
	each, left int
	out        int // attributes that found nothing left
}

// attr bounds an attribute; the zero Attr, which handlers ignore, stands for one that is left out.
func (l *allowance) attr(a slog.Attr) slog.Attr {
	a.Key = texts.Shorten(a.Key, maxKey)
	l.left -= len(a.Key)
	a.Value = a.Value.Resolve()
	if a.Value.Kind() == slog.KindGroup {
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(l.attrs(a.Value.Group())...)}
	}
	if l.left <= 0 {
		l.out++
		return slog.Attr{}
	}
	most := min(l.each, l.left)
	switch a.Value.Kind() {
	case slog.KindString:
		text := texts.Shorten(a.Value.String(), most)
		l.left -= len(text)
		a.Value = slog.StringValue(text)
	case slog.KindAny:
		var size int
		a.Value, size = boundAny(a.Value, most)
		l.left -= size
	default:
		l.left -= 16
	}
	return a
}

func (l *allowance) attrs(list []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, 0, len(list))
	for _, a := range list {
		if a = l.attr(a); !a.Equal(slog.Attr{}) {
			out = append(out, a)
		}
	}
	return out
}

// rest tells of what was left out.
func (l *allowance) rest() (slog.Attr, bool) {
	return slog.String("left_out", fmt.Sprintf("%d attributes, since a line has at most %d bytes of them", l.out, maxAttrs)), l.out > 0
}

// boundAny bounds a value of any type. The text of an error is cut; of other values it is not known what of them
// is a secret once they are text, so one that is too large is left out.
func boundAny(v slog.Value, most int) (out slog.Value, size int) {
	x := v.Any()
	out = v
	defer func() {
		if recover() != nil { // a method of it, as it will again when it is written; who writes it copes
			size = texts.Room
		}
	}()
	if err, is := x.(error); is {
		text := err.Error()
		if f, is := x.(fmt.Formatter); is && len(text) <= most { // whose long form is what some handlers write
			if long := fmt.Sprintf("%+v", f); len(long) > most+texts.Room {
				text = long
			}
		}
		short := texts.Shorten(text, most)
		if len(short) < len(text) {
			out = slog.StringValue(short)
		}
		return out, len(short)
	}
	if size = written(x, most+texts.Room); size > most+texts.Room {
		return slog.StringValue(tooLarge(x, most)), texts.Room
	}
	return out, size
}

func tooLarge(x any, most int) string {
	return fmt.Sprintf("[left out: a %T of more than %d bytes]", x, most)
}

// written is about how many bytes x takes when it is written; what is beyond most is not looked at.
func written(x any, most int) int {
	switch x := x.(type) {
	case interface{ MarshalJSON() ([]byte, error) }:
		raw, _ := x.MarshalJSON()
		return len(raw)
	case interface{ MarshalText() ([]byte, error) }:
		raw, _ := x.MarshalText()
		return len(raw)
	case fmt.Stringer:
		if n := len(x.String()); n > most {
			return n
		}
	}
	return weigh(reflect.ValueOf(x), most)
}

// weigh adds up what encoding/json would write. Fields that are not exported are another's, who may be changing
// them.
func weigh(v reflect.Value, most int) int {
	n := 4
	switch v.Kind() {
	case reflect.String:
		return v.Len() + 2
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n += weigh(v.Elem(), most-n)
		}
	case reflect.Slice, reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return v.Len() * 4 / 3
		}
		for i := 0; i < v.Len() && n <= most; i++ {
			n += weigh(v.Index(i), most-n)
		}
	case reflect.Map:
		for i := v.MapRange(); n <= most && i.Next(); {
			n += weigh(i.Key(), most-n) + weigh(i.Value(), most-n)
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && n <= most; i++ {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
				n += len(f.Name) + weigh(v.Field(i), most-n)
			}
		}
	default:
	}
	return n
}
