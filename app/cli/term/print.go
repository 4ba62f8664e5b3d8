package term

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"fibercrons/app/internal/console"
)

// The formats of -o.
const (
	AsTable = "table"
	AsJSON  = "json"
	AsCSV   = "csv"
)

// Print writes a listing in a format. What only a person should read goes to notes.
func Print(w, notes io.Writer, format string, l Listing) error {
	switch format {
	case AsJSON:
		return JSON(w, l.Objects)
	case AsCSV:
		return printCSV(w, l)
	}
	if len(l.Rows) == 0 && l.Empty != "" {
		fmt.Fprintln(notes, l.Empty)
		return nil
	}
	Table(w, l)
	return nil
}

// JSON writes a value, indented.
func JSON(w io.Writer, value any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(value); err != nil {
		return err
	}
	_, err := w.Write(console.JSON(b.Bytes()))
	return err
}

// printCSV writes RFC 4180, one record a line.
func printCSV(w io.Writer, l Listing) error {
	out := csv.NewWriter(w)
	record := make([]string, len(l.Columns))
	for i, c := range l.Columns {
		if record[i] = c.Key; c.Key == "" {
			record[i] = strings.ReplaceAll(strings.ToLower(c.Title), " ", "_")
		}
	}
	_ = out.Write(record) // Error below has it
	for _, row := range l.Rows {
		for i, c := range row {
			record[i] = console.Inert(c.Data)
		}
		_ = out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// Facts writes names and values of one thing, a line each; further lines of a value are indented.
func Facts(w io.Writer, pairs ...[2]string) {
	widest := 0
	for _, p := range pairs {
		widest = max(widest, len(p[0]))
	}
	person := console.IsTerminal(w)
	for _, p := range pairs {
		if p[1] == "" {
			continue
		}
		value := strings.ReplaceAll(console.Lines(p[1]), "\n", "\n"+strings.Repeat(" ", widest+gap))
		fmt.Fprintf(w, "%s%s%s\n", paint(p[0], Faint, person), strings.Repeat(" ", widest-len(p[0])+gap), value)
	}
}
