package env

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Setting is a variable and its value in force.
type Setting struct {
	Variable
	// Value is the value as text; for a secret only whether it is set.
	Value   string
	changed bool
}

// Changed reports whether the value differs from the default.
func (s Setting) Changed() bool { return s.changed }

func textOf(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case slog.Level:
		return strings.ToLower(v.String())
	case time.Duration:
		text := v.String()
		if strings.HasSuffix(text, "m0s") {
			text = strings.TrimSuffix(text, "0s")
		}
		if strings.HasSuffix(text, "h0m") {
			text = strings.TrimSuffix(text, "0m")
		}
		return text
	}
	return fmt.Sprint(v)
}
