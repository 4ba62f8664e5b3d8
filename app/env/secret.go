package env

import (
	"fmt"
	"io"
	"log/slog"
)

const hidden = "[hidden]"

// Secret is a text that prints as [hidden]: with fmt and any verb, slog, JSON and other text marshallers, also when it
// is empty. Reveal returns the text. Keep a Secret out of unexported struct fields and map keys, which fmt and
// encoding/json read without its methods.
type Secret string

// Reveal returns the secret itself. Compare it in constant time, and do not pass it on more widely than necessary.
func (s Secret) Reveal() string { return string(s) }

// IsSet reports whether the secret is not empty.
func (s Secret) IsSet() bool { return s != "" }

// String returns [hidden].
func (Secret) String() string { return hidden }

// GoString returns [hidden].
func (Secret) GoString() string { return hidden }

// Format writes [hidden] for every verb. Without it, fmt's error for %d would contain the string.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// MarshalText returns [hidden].
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON returns "[hidden]".
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// LogValue returns [hidden].
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
