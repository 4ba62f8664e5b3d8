package term

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"fibercrons/app/internal/console"
)

// Listing is what a command lists: rows for people and spreadsheets, and the objects of the API for programs.
type Listing struct {
	Columns []Column
	Rows    [][]Cell
	Objects any    // a slice
	Empty   string // shown to a person instead of an empty table
}

// Column is one column of a listing.
type Column struct {
	Title   string
	Key     string // in CSV; empty: the title in lower case, with _ for a space
	Right   bool   // a number
	Elastic bool   // may be cut to fit the window
	Rare    bool   // left out of a table in which it is empty
	Extra   int    // not 0: left out of a window that is too narrow, the highest first
}

const (
	gap       = 2  // spaces between two columns
	narrowest = 12 // an elastic column keeps this width
)

var colors = map[Tone]pretty.Colors{
	Good:  {pretty.FgGreen},
	Bad:   {pretty.FgRed},
	Warm:  {pretty.FgYellow},
	Faint: {pretty.Faint},
}

// Table draws columns without lines, as awk expects them. A window that is too narrow cuts elastic columns, and then
// leaves out extra ones. A pipe gets everything, without colour.
func Table(w io.Writer, l Listing) {
	person := console.IsTerminal(w)
	for i := len(l.Columns) - 1; i >= 0; i-- {
		if l.Columns[i].Rare && !slices.ContainsFunc(l.Rows, func(row []Cell) bool { return row[i].Text != "" }) {
			l = l.without(i)
		}
	}
	l, left := within(l, console.Width(w))
	out := table.NewWriter()
	style := table.StyleDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", gap)
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = pretty.FormatDefault
	out.SetStyle(style)
	out.SuppressTrailingSpaces()

	widths, _ := fit(l, console.Width(w))
	header := make(table.Row, len(l.Columns))
	configs := make([]table.ColumnConfig, len(l.Columns))
	for i, c := range l.Columns {
		header[i] = paint(c.Title, Faint, person)
		configs[i] = table.ColumnConfig{Number: i + 1}
		if c.Right {
			configs[i].Align, configs[i].AlignHeader = pretty.AlignRight, pretty.AlignRight
		}
	}
	out.SetColumnConfigs(configs)
	out.AppendHeader(header)
	for _, row := range l.Rows {
		cells := make(table.Row, len(row))
		for i, c := range row {
			cells[i] = paint(pretty.Snip(console.Inert(c.Text), widths[i], "…"), c.Tone, person)
		}
		out.AppendRow(cells)
	}
	fmt.Fprintln(w, out.Render())
	if len(left) > 0 {
		fmt.Fprintln(w, paint("not shown in this narrow window: "+strings.Join(left, ", "), Faint, person))
	}
}

// within leaves out extra columns until the rest fits the window.
func within(l Listing, window int) (_ Listing, left []string) {
	for {
		if _, ok := fit(l, window); ok {
			return l, left
		}
		drop := -1
		for i, c := range l.Columns {
			if c.Extra > 0 && (drop < 0 || c.Extra > l.Columns[drop].Extra) {
				drop = i
			}
		}
		if drop < 0 {
			return l, left // it wraps; with fewer columns it would be useless
		}
		left = append(left, strings.ToLower(l.Columns[drop].Title))
		l = l.without(drop)
	}
}

// without leaves out a column.
func (l Listing) without(i int) Listing {
	rest := Listing{Columns: slices.Delete(slices.Clone(l.Columns), i, i+1)}
	for _, row := range l.Rows {
		rest.Rows = append(rest.Rows, slices.Delete(slices.Clone(row), i, i+1))
	}
	return rest
}

func paint(s string, t Tone, person bool) string {
	if !person || colors[t] == nil {
		return s
	}
	return colors[t].Sprint(s)
}

// fit returns the width of each column, and whether they fit a window. A window of 0 is infinite.
func fit(l Listing, window int) (widths []int, ok bool) {
	widths = make([]int, len(l.Columns))
	sum := gap * (len(l.Columns) - 1)
	for i, c := range l.Columns {
		widths[i] = pretty.StringWidth(c.Title)
		for _, row := range l.Rows {
			widths[i] = max(widths[i], pretty.StringWidth(console.Inert(row[i].Text)))
		}
		sum += widths[i]
	}
	for window > 0 && sum > window {
		widest := -1
		for i, c := range l.Columns {
			if c.Elastic && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return widths, false
		}
		widths[widest]--
		sum--
	}
	return widths, true
}
