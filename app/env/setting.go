package env

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"fibercrons/app/internal/texts"
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
		return texts.Duration(v)
	}
	return fmt.Sprint(v)
}
