package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/internal/console"
	"fibercrons/app/ops"
)

// imported is what an import has done.
type imported struct {
	ops.Tally
	Wrong  int              `json:"wrong"`
	Errors []ops.ImportLine `json:"errors"` // the first of them
}

const importErrors = 1000

func (p *program) scheduleImport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import FILE|-",
		Short: "Make or change the stored schedules in a file of JSON lines",
		Long: `Make or change stored schedules. Each line is one, as schedule export writes them:

  {"id":"tenant-42/daily","job":"send-report","expr":"0 9 * * MON-FRI","timezone":"Europe/Berlin","args":{"tenant":42}}

Further names are from, until, max_runs, meta and paused. A line with a mistake is left out, and the others are stored,
a thousand at once. The same file again changes nothing. - reads the standard input.`,
		Args: one("FILE"),
	}
	return shows(cmd, func(ctx context.Context, args []string, format string) error {
		from := p.in
		if args[0] != "-" {
			file, err := os.Open(args[0])
			if err != nil {
				return usage("%v", err)
			}
			defer file.Close()
			from = file
		}
		return p.changing(ctx, func(a *app.App) error {
			done := imported{Errors: []ops.ImportLine{}}
			lines := a.Crons.By(caller()).Import(from)
			err := p.importLines(ctx, lines, func(l ops.ImportLine) {
				if len(done.Errors) < importErrors {
					done.Errors = append(done.Errors, l)
				}
				if format != term.AsJSON {
					fmt.Fprintln(p.err, console.Inert(mistakesIn(l)))
				}
			})
			done.Tally, done.Wrong = lines.Tally, lines.Wrong
			line := fmt.Sprintf("%d created, %d changed, %d unchanged", done.Created, done.Changed, done.Unchanged)
			if done.Wrong > 0 {
				line += ", " + term.Count(done.Wrong, "line") + " left out"
			}
			if answerErr := p.answer(format, done, line); err == nil {
				err = answerErr
			}
			if err == nil && done.Wrong > 0 {
				return &statusError{status: exitUsage}
			}
			return err
		})
	})
}

// importLines imports to the end, and calls wrong for each line with a mistake.
func (p *program) importLines(ctx context.Context, lines *ops.Import, wrong func(ops.ImportLine)) error {
	for {
		answers, err := lines.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		for _, l := range answers {
			if len(l.Errors) > 0 {
				wrong(l)
			}
		}
	}
}

func mistakesIn(l ops.ImportLine) string {
	parts := make([]string, len(l.Errors))
	for i, f := range l.Errors {
		if parts[i] = f.Detail; f.Field != "" {
			parts[i] = f.Field + ": " + f.Detail
		}
	}
	where := fmt.Sprintf("line %d", l.Line)
	if l.ID != "" {
		where += fmt.Sprintf(" (%s)", l.ID)
	}
	return where + ": " + strings.Join(parts, "; ")
}

func (p *program) scheduleExport() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "export",
		Short:   "Print stored schedules as JSON lines, for schedule import",
		Example: `  cli schedule export --job send-report > schedules.jsonl`,
		Args:    none,
	}
	filter := p.filterFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		q, err := filter()
		if err != nil {
			return err
		}
		ctx := cmd.Context()
		return p.reading(ctx, func(a *app.App) error { return p.exportLines(ctx, a, q) })
	}
	return cmd
}

func (p *program) exportLines(ctx context.Context, a *app.App, q contract.ScheduleQuery) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for g, err := range a.Crons.EachSchedule(ctx, q) {
		if err != nil {
			return err
		}
		b.Reset()
		if err := enc.Encode(g); err != nil {
			return err
		}
		if _, err := p.out.Write(console.JSON(b.Bytes())); err != nil {
			return err
		}
	}
	return nil
}
