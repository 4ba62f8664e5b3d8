package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app/internal/console"
)

// listing is what a command that lists has found: rows for people and spreadsheets, and the same
// objects as over HTTP for programs.
type listing struct {
	columns []column
	rows    [][]cell
	objects any    // a slice
	empty   string // what to tell a person instead of an empty table
}

type column struct {
	title   string
	key     string // in CSV; empty: the title in lower case, with _ for a space
	right   bool   // a number
	elastic bool   // may be cut to fit the window
	extra   int    // not 0: left out of a window that is too narrow, the highest first
}

// output adds -o to a command. What does not list knows no CSV.
func output(cmd *cobra.Command, formats ...string) *string {
	format := cmd.Flags().StringP("output", "o", "table", strings.Join(formats, ", "))
	check := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		for _, f := range formats {
			if f == *format {
				return check(cmd, args)
			}
		}
		return usage("-o %q is not a format of %s; use %s", *format, cmd.Name(), strings.Join(formats, ", "))
	}
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	return format
}

var (
	listFormats   = []string{"table", "json", "csv"}
	objectFormats = []string{"table", "json"}
)

func (p *program) print(format string, l listing) error {
	switch format {
	case "json":
		return printJSON(p.out, l.objects)
	case "csv":
		return printCSV(p.out, l)
	}
	if len(l.rows) == 0 && l.empty != "" {
		fmt.Fprintln(p.err, l.empty)
		return nil
	}
	printTable(p.out, l)
	return nil
}

func printJSON(w io.Writer, value any) error {
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
func printCSV(w io.Writer, l listing) error {
	out := csv.NewWriter(w)
	record := make([]string, len(l.columns))
	for i, c := range l.columns {
		if record[i] = c.key; c.key == "" {
			record[i] = strings.ReplaceAll(strings.ToLower(c.title), " ", "_")
		}
	}
	_ = out.Write(record) // Error below has it
	for _, row := range l.rows {
		for i, c := range row {
			record[i] = console.Inert(c.data)
		}
		_ = out.Write(record)
	}
	out.Flush()
	return out.Error()
}
