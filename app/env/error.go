package env

import (
	"fmt"
	"strconv"
	"strings"
)

// Error is every mistake [Load] found. Its text has a line for each and is meant for a person's eyes; main prints
// it and exits with 2.
type Error struct {
	Mistakes []Mistake
}

// Error returns several lines.
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

// Mistake is one thing to put right.
type Mistake struct {
	// Variable is the variable's name, or file:line for a file that cannot be read.
	Variable string
	// Value is the value as it is shown: quoted, shortened, and [hidden] for a secret. Empty if none was given.
	Value string
	// File is where the value was found, empty for the real environment.
	File string
	// Problem is what is wrong, Remedy what to do about it.
	Problem, Remedy string
}

// String returns the mistake on one line.
func (m Mistake) String() string {
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

// problem is what a value's own type has to say about a text it does not accept. Its text never repeats the value.
type problem struct {
	what string
	// remedy replaces the variable's own "set it to ...".
	remedy string
	// shown replaces a secret value by the part of it that may be seen.
	shown string
}

func (p *problem) Error() string { return p.what }

// quoted makes a value inert and short: it may hold escape codes, or be a file pasted by accident.
func quoted(value string) string {
	const most = 80
	if r := []rune(value); len(r) > most {
		value = string(r[:most]) + "..."
	}
	return strconv.Quote(value)
}
