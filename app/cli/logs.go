package cli

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/console"
	"fibercrons/app/ops"
)

const (
	logPage = 1000
	// How often -f polls: fast for a person, slow for a database.
	followEvery = 300 * time.Millisecond
)

func (p *program) logs() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:               "logs RUN",
		Short:             "Print the log of a run: by its id, or by a job's name for the job's last run",
		Args:              one("run id or job name"),
		ValidArgsFunction: p.completeJob,
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the run ends")
	return lists(cmd, func(ctx context.Context, args []string, format string) error {
		return p.reading(ctx, func(a *app.App) error {
			record, err := findRun(ctx, a.Crons, args[0])
			if err != nil {
				return err
			}
			lines := lineWriter{out: p.out, format: format, each: follow}
			if err := printLogs(ctx, a.Crons, record, follow, &lines); err != nil {
				return err
			}
			return lines.end()
		})
	})
}

// findRun finds a run by its id, or the newest one of a job. It tries a job's name first: that is what
// a person types, and an id is a UUID.
func findRun(ctx context.Context, crons ops.Crons, word string, statuses ...cron.Status) (cron.Record, error) {
	records, err := crons.Records(ctx, contract.Query{Job: word, Statuses: statuses, Limit: 1})
	if err == nil && len(records) == 1 {
		return records[0], nil
	}
	noJob, isNoJob := errors.AsType[*cron.NoJobError](err)
	if err != nil && !isNoJob {
		return cron.Record{}, err
	}
	record, runErr := crons.Record(ctx, word)
	switch {
	case runErr == nil:
		return record, nil
	case !errors.Is(runErr, cron.ErrNotFound):
		return cron.Record{}, runErr
	case !isNoJob && len(statuses) > 0:
		return cron.Record{}, notFound("job %q is not running", word)
	case !isNoJob:
		return cron.Record{}, notFound("job %q has no runs yet", word)
	case noJob.Nearest != "":
		return cron.Record{}, notFound("no run and no job %q; did you mean job %q?", word, noJob.Nearest)
	}
	return cron.Record{}, notFound("no run and no job %q; see: cli history", word)
}

func printLogs(ctx context.Context, crons ops.Crons, record cron.Record, follow bool, to *lineWriter) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	var after int64
	for {
		lines, err := crons.Logs(ctx, record.ID, after, logPage)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if err := to.print(line); err != nil {
				return err
			}
			after = line.Seq
		}
		if len(lines) == logPage {
			continue
		}
		// The lines are complete only if the run had ended before they were read.
		if !follow || record.Status.Ended() {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how one stops following
		case <-tick.C:
		}
		if record, err = crons.Record(ctx, record.ID); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
	}
}

// lineWriter prints log lines: for people, as CSV, as one JSON array, or as one JSON object a line.
type lineWriter struct {
	out    io.Writer
	format string // of listFormats
	each   bool
	all    []cron.LogLine
	headed bool // the header of the CSV is written
}

func (w *lineWriter) print(line cron.LogLine) error {
	switch {
	case w.format == term.AsCSV:
		return w.records([]string{
			term.Number(line.Seq).Data, line.Time.UTC().Format(time.RFC3339Nano), term.Number(int64(line.Attempt)).Data, line.Level,
			console.Inert(line.Message), console.Inert(string(line.Attrs)),
		})
	case w.format == term.AsJSON && w.each:
		b, err := json.Marshal(line)
		if err != nil {
			return err
		}
		_, err = w.out.Write(append(console.JSON(b), '\n'))
		return err
	case w.format == term.AsJSON:
		w.all = append(w.all, line)
		return nil
	}
	return printLine(w.out, line)
}

// records writes CSV, with a header before the first record.
func (w *lineWriter) records(lines ...[]string) error {
	if !w.headed {
		w.headed = true
		lines = slices.Insert(lines, 0, []string{"seq", "time", "attempt", "level", "message", "attrs"})
	}
	return csv.NewWriter(w.out).WriteAll(lines)
}

func (w *lineWriter) end() error {
	switch {
	case w.format == term.AsCSV:
		return w.records()
	case w.format != "json" || w.each:
		return nil
	}
	if w.all == nil {
		w.all = []cron.LogLine{}
	}
	return term.JSON(w.out, w.all)
}

// printLine prints a line as the running job printed it.
func printLine(out io.Writer, line cron.LogLine) error {
	var level slog.Level
	if err := level.UnmarshalText([]byte(line.Level)); err != nil {
		level = slog.LevelInfo
	}
	record := slog.NewRecord(line.Time.UTC(), level, line.Message, 0)
	if line.Attempt > 1 {
		record.AddAttrs(slog.Int("attempt", line.Attempt))
	}
	var attrs map[string]any
	if err := json.Unmarshal(line.Attrs, &attrs); err == nil {
		for _, key := range slices.Sorted(maps.Keys(attrs)) {
			record.AddAttrs(attr(key, attrs[key]))
		}
	}
	handler := console.Log(out, slog.Level(-128), env.LogText)
	if err := handler.Handle(context.Background(), record); err != nil {
		return fmt.Errorf("print log: %w", err)
	}
	return nil
}

func attr(key string, value any) slog.Attr {
	if group, ok := value.(map[string]any); ok {
		var members []any
		for _, k := range slices.Sorted(maps.Keys(group)) {
			members = append(members, attr(k, group[k]))
		}
		return slog.Group(key, members...)
	}
	return slog.Any(key, value)
}
