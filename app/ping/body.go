package ping

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"fibercrons/app/cron"
)

const (
	// maxBody is the number of bytes that Healthchecks.io keeps of a body. It keeps the beginning, so a body must not
	// be longer.
	maxBody = 100_000
	pageOf  = 1000 // lines
	// readTimeout limits reading the log lines of a run from the store.
	readTimeout = 10 * time.Second
)

// body is the headline and the end of the run's log.
func (p *Pinger) body(l *lane, one ping) string {
	if one.start || l.target.Form != cron.Healthchecks {
		return ""
	}
	head := headline(one.run)
	t := tail{limit: max(l.limit-len(head), 0)}
	if p.logs != nil && one.run.LogSeq > 0 {
		ctx, cancel := context.WithTimeout(p.ctx, readTimeout)
		defer cancel()
		if err := p.read(ctx, one.run.ID, &t); err != nil {
			t.add("[the rest of the log could not be read]\n")
		}
	}
	return cut(head+t.String(), l.limit)
}

// headline describes the outcome of a run.
func headline(run cron.Record) string {
	text := fmt.Sprintf("%s: %s", run.Job, run.Status)
	if run.Duration != nil {
		text += " in " + (time.Duration(*run.Duration) * time.Millisecond).String()
	}
	if run.Attempt > 1 {
		text += fmt.Sprintf(" after %d attempts", run.Attempt)
	}
	if run.Error != "" {
		text += ": " + run.Error
	}
	return text + "\n"
}

// read reads all lines of a run and keeps the last ones in t.
func (p *Pinger) read(ctx context.Context, run string, t *tail) error {
	for after := int64(0); ; {
		lines, err := p.logs(ctx, run, after, pageOf)
		if err != nil {
			return err
		}
		for _, line := range lines {
			t.add(format(line))
			after = line.Seq
		}
		if len(lines) < pageOf {
			return nil
		}
	}
}

func format(line cron.LogLine) string {
	text := line.Time.UTC().Format("2006-01-02T15:04:05.000Z") + " " + line.Level + " " + line.Message
	if len(line.Attrs) > 0 {
		text += " " + string(line.Attrs)
	}
	return strings.ToValidUTF8(text, "\ufffd") + "\n"
}

// tail keeps the last lines within limit bytes.
type tail struct {
	limit int
	lines []string
	size  int
	cut   bool
}

const omitted = "[...]\n"

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.size += len(line)
	for len(t.lines) > 1 && t.size > t.limit-len(omitted) {
		t.size -= len(t.lines[0])
		t.lines, t.cut = t.lines[1:], true
	}
}

func (t *tail) String() string {
	text := strings.Join(t.lines, "")
	if t.cut {
		text = omitted + text
	}
	return text
}

// cut shortens text to at most n bytes, at a rune boundary.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
