package ops

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/scheduler"
)

// ImportLine is what has become of one line of an import.
type ImportLine struct {
	Line    int                 `json:"line"` // from 1
	ID      string              `json:"id,omitempty"`
	Outcome contract.PutOutcome `json:"outcome,omitempty"` // empty: Errors say why
	Errors  []cron.FieldError   `json:"errors,omitempty"`
}

// ImportError means that the lines from First to Last, and those after them, were not stored. The lines before were.
type ImportError struct {
	First, Last int
	Err         error
}

func (e *ImportError) Error() string {
	return fmt.Sprintf("lines %d to %d, and those after them, were not stored: %v", e.First, e.Last, e.Err)
}

func (e *ImportError) Unwrap() error { return e.Err }

// Import puts stored schedules that are read as JSON lines, a thousand in one transaction. A line with a mistake is left
// out, and the others are stored. It holds a thousand lines in memory, and at most 2 MiB of their text.
type Import struct {
	h    Audited
	from *bufio.Reader
	line int         // lines read
	held *importItem // read, and left for the next transaction
	err  error       // what has ended it

	Tally
	Wrong int // lines with mistakes
}

// Lines is how many lines were read.
func (i *Import) Lines() int { return i.line }

type importItem struct {
	answer ImportLine
	input  ScheduleInput
}

const (
	importLines   = 1000    // in one transaction
	importBytes   = 1 << 20 // of text in one transaction; one line may be as long
	importBuffer  = 64 << 10
	longImportErr = "is longer than 1 MiB"
)

// Import returns an import of what from holds. The audit log gets one entry a transaction, with numbers.
func (h Audited) Import(from io.Reader) *Import {
	return &Import{h: h, from: bufio.NewReaderSize(from, importBuffer)}
}

// Next puts the next lines and returns what has become of them. The error is [io.EOF] at the end, an [*ImportError], or
// that of the reader; then Next returns it again.
func (i *Import) Next(ctx context.Context) ([]ImportLine, error) {
	if i.err != nil {
		return nil, i.err
	}
	items := i.read()
	if len(items) == 0 {
		return nil, i.err
	}
	if err := i.put(ctx, items); err != nil {
		i.err = &ImportError{First: items[0].answer.Line, Last: i.line, Err: err}
		return nil, i.err
	}
	answers := make([]ImportLine, len(items))
	for n, item := range items {
		if answers[n] = item.answer; len(item.answer.Errors) > 0 {
			i.Wrong++
		}
	}
	return answers, nil
}

// read returns the lines of one transaction. An ID is among them once: a second line with it belongs to the next one.
func (i *Import) read() (items []*importItem) {
	seen := map[string]bool{}
	if i.held != nil {
		items, i.held = append(items, i.held), nil
		seen[items[0].input.ID] = true
	}
	for size := 0; len(items) < importLines && size < importBytes; {
		text, fits, err := i.text()
		if err != nil {
			i.err = err
			return items
		}
		if i.line++; fits && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		size += len(text)
		item := &importItem{answer: ImportLine{Line: i.line}}
		items = append(items, item)
		if !fits {
			item.answer.Errors = []cron.FieldError{{Detail: longImportErr}}
			continue
		}
		input, err := ReadSchedule(text)
		item.input, item.answer.ID = input, input.ID
		if err != nil {
			item.fail(i.h.c.mistakes(&input, err))
			continue
		}
		if seen[input.ID] {
			items, i.held = items[:len(items)-1], item
			return items
		}
		seen[input.ID] = true
	}
	return items
}

// text returns the next line, or false if it is too long.
func (i *Import) text() (text []byte, fits bool, err error) {
	fits = true
	for {
		piece, err := i.from.ReadSlice('\n')
		if fits = fits && len(text)+len(piece) <= importBytes+1; fits {
			text = append(text, piece...)
		} else {
			text = nil
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && (len(text) > 0 || !fits):
			return text, fits, nil // the last line, without an end
		default:
			return text, fits, err
		}
	}
}

func (item *importItem) fail(err error) {
	var wrong *cron.ArgsError
	if errors.As(err, &wrong) {
		item.answer.Errors = wrong.Fields
	}
}

// put stores what is right of items, in one transaction.
func (i *Import) put(ctx context.Context, items []*importItem) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var wrong *cron.ArgsError
	for checked := false; ; checked = true {
		var good []*importItem
		var list []scheduler.PutSchedule
		for _, item := range items {
			if len(item.answer.Errors) == 0 {
				good, list = append(good, item), append(list, scheduler.PutSchedule{Schedule: item.input.Schedule()})
			}
		}
		if len(good) == 0 {
			return nil
		}
		results, err := i.h.PutSchedules(ctx, list)
		if errors.As(err, &wrong) && !checked {
			for _, item := range good { // most imports have no mistake, so they are looked for only now
				_, err := i.h.c.CheckSchedule(scheduler.PutSchedule{Schedule: item.input.Schedule()})
				item.fail(err)
			}
			continue
		}
		if err != nil {
			return err
		}
		for n, item := range good {
			item.answer.Outcome = results[n].Outcome
		}
		i.add(countPuts(results))
		return nil
	}
}
