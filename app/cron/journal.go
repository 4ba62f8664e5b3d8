package cron

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"fibercrons/app/internal/millis"
	"fibercrons/app/internal/texts"
)

// journal collects the lines of one run, up to a number of bytes. Later lines are counted, and a line marks the cut. A
// nil journal is empty.
type journal struct {
	mu      sync.Mutex
	lines   []LogLine
	seq     int64
	size    int
	limit   int
	cut     bool  // the limit was reached; later lines are dropped
	dropped int64 // lines since
}

// full reports whether the limit was reached, and then counts a dropped line, so that the caller need not render it.
func (j *journal) full() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cut {
		j.dropped++
	}
	return j.cut
}

func (j *journal) add(at time.Time, attempt int, level, message string, attrs json.RawMessage) {
	if j.limit < 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if at.IsZero() {
		at = time.Now()
	}
	message = texts.Clip(message, texts.MaxLine)
	if len(attrs) > texts.MaxLine {
		attrs, _ = json.Marshal(map[string]string{"attrs": fmt.Sprintf("[left out: %d bytes]", len(attrs))})
	}
	size := len(message) + len(attrs) + 32
	if j.cut || j.size+size > j.limit {
		j.dropped++
		if !j.cut {
			j.cut = true
			j.put(at, attempt, "WARN", fmt.Sprintf("[log cut here: this run logged more than %d bytes; later lines are only in the program's log]", j.limit), nil)
		}
		return
	}
	j.size += size
	j.put(at, attempt, level, message, attrs)
}

func (j *journal) put(at time.Time, attempt int, level, message string, attrs json.RawMessage) {
	j.seq++
	j.lines = append(j.lines, LogLine{Seq: j.seq, Time: millis.Whole(at), Attempt: attempt, Level: level, Message: message, Attrs: attrs})
}

// take returns the lines since the last take.
func (j *journal) take() []LogLine {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// close is the last take. It adds a line with the number of dropped lines.
func (j *journal) close(at time.Time, attempt int) []LogLine {
	if j == nil {
		return nil
	}
	j.mu.Lock()
	if j.dropped > 0 {
		j.put(at, attempt, "WARN", fmt.Sprintf("[%d lines were left out]", j.dropped), nil)
		j.dropped = 0
	}
	j.mu.Unlock()
	return j.take()
}

// last is the number of the last line.
func (j *journal) last() int64 {
	if j == nil {
		return 0
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.seq
}

// restore puts back lines that could not be stored.
func (j *journal) restore(lines []LogLine) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(lines, j.lines...)
}
