package cron

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"

	"fibercrons/app/internal/texts"
)

// Limits, in bytes, of the texts of a job. Each text is cut where it enters and marked with the number of bytes left
// out, so that logs, store, alerts, pings, traces, hooks and streams never see more. The log of a run as a whole is
// limited by scheduler.Config.MaxRunLog.
const (
	maxError        = 15 << 10 // a returned error; leaves room for text that wrappers add
	maxStack        = 64 << 10 // of a panic
	maxAttrs        = 64 << 10 // all attributes of a line in the program's log
	maxKey          = 1 << 10  // the key of an attribute
	maxResult       = 64 << 10 // more is refused
	maxProgressText = 1 << 10
	maxDetail       = 1 << 10 // an error of Validate
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

// bounded returns err, or a short error if its text is too long. It calls the methods of err, so that a method that
// panics, as those of a typed nil often do, panics here, where the panic is isolated.
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

// neverError is in no error's chain.
type neverError struct{}

func (neverError) Error() string { return "never" }

// allowance is the remaining size for the attributes of a log line.
type allowance struct {
	each, left int
	out        int // attributes left out
}

// attr bounds an attribute. It returns the zero Attr, which handlers ignore, for one that is left out.
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

// rest reports the number of attributes left out.
func (l *allowance) rest() (slog.Attr, bool) {
	return slog.String("left_out", fmt.Sprintf("%d attributes, since a line has at most %d bytes of them", l.out, maxAttrs)), l.out > 0
}

// boundAny bounds a value of any type. The text of an error is cut. Any other large value is left out, because a cut
// could expose secrets in it.
func boundAny(v slog.Value, most int) (out slog.Value, size int) {
	x := v.Any()
	out = v
	defer func() {
		if recover() != nil { // one of its methods; the handler that writes it recovers
			size = texts.Room
		}
	}()
	if err, is := x.(error); is {
		text := err.Error()
		if f, is := x.(fmt.Formatter); is && len(text) <= most { // some handlers write the long form
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
	if size = encodedSize(x, most+texts.Room); size > most+texts.Room {
		return slog.StringValue(tooLarge(x, most)), texts.Room
	}
	return out, size
}

func tooLarge(x any, most int) string {
	return fmt.Sprintf("[left out: a %T of more than %d bytes]", x, most)
}

// encodedSize estimates the encoded size of x. It may stop counting above most.
func encodedSize(x any, most int) int {
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

// weigh estimates the size that encoding/json would write. It skips unexported fields, which other goroutines may be
// changing.
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
