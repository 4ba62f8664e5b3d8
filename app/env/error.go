package env

import (
	"fmt"
	"strconv"
	"strings"
)

// Error holds every mistake that [Load] found, or that an assembled program has with its settings. Its text has a line
// for each; main prints it and exits with 2.
type Error struct {
	Mistakes []Mistake
}

// Error returns one line per mistake, after a heading.
func (e *Error) Error() string {
	var b strings.Builder
	if len(e.Mistakes) == 1 {
		b.WriteString("the configuration has a mistake:")
	} else {
		fmt.Fprintf(&b, "the configuration has %d mistakes:", len(e.Mistakes))
	}
	for _, m := range e.Mistakes {
		b.WriteString("\n  " + m.String())
	}
	return b.String()
}

// Mistake is one invalid setting.
type Mistake struct {
	// Variable is the variable's name, or file:line for a file that cannot be read. Empty: Problem says it all.
	Variable string
	// Value is the value to display: quoted, shortened, [hidden] for a secret. Empty if none was given.
	Value string
	// File is the file that sets the value, empty for the real environment.
	File string
	// Problem is what is wrong, Remedy how to correct it.
	Problem, Remedy string
}

// String returns the mistake on one line.
func (m Mistake) String() string {
	if m.Variable == "" {
		return m.Problem
	}
	var b strings.Builder
	b.WriteString(m.Variable)
	if m.Value != "" {
		b.WriteString("=" + m.Value)
	}
	if m.File != "" {
		b.WriteString(" in " + m.File)
	}
	b.WriteString(": " + m.Problem)
	if m.Remedy != "" {
		b.WriteString("; " + m.Remedy)
	}
	return b.String()
}

// problem is the error of a type that rejects a text. Its text never repeats the value.
type problem struct {
	what string
	// remedy replaces the variable's own "set it to ...".
	remedy string
	// shown replaces a secret value by its part that may be shown.
	shown string
}

func (p *problem) Error() string { return p.what }

// quoted escapes and shortens a value, which may hold control codes or be a pasted file.
func quoted(value string) string {
	const maxRunes = 80
	if r := []rune(value); len(r) > maxRunes {
		value = string(r[:maxRunes]) + "..."
	}
	return strconv.Quote(value)
}
