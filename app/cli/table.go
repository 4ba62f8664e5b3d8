package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"fibercrons/app/internal/console"
)

const (
	gap       = 2  // columns of blank between two columns
	narrowest = 12 // an elastic column is not cut below this
)

var colors = map[tone]pretty.Colors{
	good:  {pretty.FgGreen},
	bad:   {pretty.FgRed},
	warm:  {pretty.FgYellow},
	faint: {pretty.Faint},
}

// printTable draws columns without lines: they read as well on a screen and are what awk expects.
// In a window too narrow for it, elastic columns are cut, and then extra ones left out; in a pipe
// nothing is cut, left out or coloured.
func printTable(w io.Writer, l listing) {
	person := console.IsTerminal(w)
	l, left := within(l, console.Width(w))
	out := table.NewWriter()
	style := table.StyleDefault
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", gap)
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = pretty.FormatDefault
	out.SetStyle(style)
	out.SuppressTrailingSpaces()

	widths, _ := fit(l, console.Width(w))
	header := make(table.Row, len(l.columns))
	configs := make([]table.ColumnConfig, len(l.columns))
	for i, c := range l.columns {
		header[i] = paint(c.title, faint, person)
		configs[i] = table.ColumnConfig{Number: i + 1}
		if c.right {
			configs[i].Align, configs[i].AlignHeader = pretty.AlignRight, pretty.AlignRight
		}
	}
	out.SetColumnConfigs(configs)
	out.AppendHeader(header)
	for _, row := range l.rows {
		cells := make(table.Row, len(row))
		for i, c := range row {
			cells[i] = paint(pretty.Snip(console.Inert(c.text), widths[i], "…"), c.tone, person)
		}
		out.AppendRow(cells)
	}
	fmt.Fprintln(w, out.Render())
	if len(left) > 0 {
		fmt.Fprintln(w, paint("not shown in this narrow window: "+strings.Join(left, ", "), faint, person))
	}
}

// within leaves out extra columns until the rest fits the window.
func within(l listing, window int) (_ listing, left []string) {
	for {
		if _, ok := fit(l, window); ok {
			return l, left
		}
		drop := -1
		for i, c := range l.columns {
			if c.extra > 0 && (drop < 0 || c.extra > l.columns[drop].extra) {
				drop = i
			}
		}
		if drop < 0 {
			return l, left // it wraps; without the rest it would tell nothing
		}
		left = append(left, strings.ToLower(l.columns[drop].title))
		narrow := listing{columns: slices.Delete(slices.Clone(l.columns), drop, drop+1)}
		for _, row := range l.rows {
			narrow.rows = append(narrow.rows, slices.Delete(slices.Clone(row), drop, drop+1))
		}
		l = narrow
	}
}

func paint(s string, t tone, person bool) string {
	if !person || colors[t] == nil {
		return s
	}
	return colors[t].Sprint(s)
}

// fit returns how wide each column may be, and whether that fits a window. A window of 0 is endless.
func fit(l listing, window int) (widths []int, ok bool) {
	widths = make([]int, len(l.columns))
	sum := gap * (len(l.columns) - 1)
	for i, c := range l.columns {
		widths[i] = pretty.StringWidth(c.title)
		for _, row := range l.rows {
			widths[i] = max(widths[i], pretty.StringWidth(console.Inert(row[i].text)))
		}
		sum += widths[i]
	}
	for window > 0 && sum > window {
		widest := -1
		for i, c := range l.columns {
			if c.elastic && widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
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

// facts writes names and values of one thing, a line each; values of several lines are indented.
func facts(w io.Writer, pairs ...[2]string) {
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
		fmt.Fprintf(w, "%s%s%s\n", paint(p[0], faint, person), strings.Repeat(" ", widest-len(p[0])+gap), value)
	}
}
