package env

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[hidden]"

// Secret is a text that does not print: fmt with any verb, slog, JSON and whatever else marshals text show
// [hidden], also when it is empty. Reveal gives the text itself. Two places are past the reach of methods: fmt
// reads an unexported field of a struct directly, and encoding/json the keys of a map. Keep a Secret out of both.
type Secret string

// Reveal returns the secret itself. Compare it in constant time, and hand it only to what needs it.
func (s Secret) Reveal() string { return string(s) }

// IsSet reports whether there is one.
func (s Secret) IsSet() bool { return s != "" }

// String returns [hidden].
func (Secret) String() string { return hidden }

// GoString returns [hidden].
func (Secret) GoString() string { return hidden }

// Format writes [hidden] for every verb; without it %d of a string prints the string, inside its complaint.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns [hidden].
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[hidden]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue returns [hidden].
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
