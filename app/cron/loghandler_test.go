package cron_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/slogtest"
	"time"
	"unicode/utf8"

	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// TestLogHandlerKeepsTheContract runs slog's own suite on the program's side of the handler.
func TestLogHandlerKeepsTheContract(t *testing.T) {
	var buf bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		buf.Reset()
		return cron.LogHandler(slog.NewJSONHandler(&buf, nil))
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(buf.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

// TestRunLogKeepsTheContract runs it on the run's side: on the lines that are kept.
func TestRunLogKeepsTheContract(t *testing.T) {
	var got crontest.Outcome
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		return inRun{cron.LogHandler(slog.DiscardHandler), t, &got}
	}, func(t *testing.T) map[string]any {
		l, line := got.Logs[0], map[string]any{}
		if l.Attrs != nil {
			if err := json.Unmarshal(l.Attrs, &line); err != nil {
				t.Fatal(err)
			}
		}
		line[slog.LevelKey], line[slog.MessageKey] = l.Level, l.Message
		if !strings.HasSuffix(t.Name(), "zero-time") { // a line that is kept has a time in any case
			line[slog.TimeKey] = l.Time
		}
		return line
	})
}

// inRun handles each record in a run of its own.
type inRun struct {
	slog.Handler
	t   *testing.T
	got *crontest.Outcome
}

func (h inRun) Enabled(context.Context, slog.Level) bool { return true }

func (h inRun) Handle(_ context.Context, r slog.Record) error {
	*h.got = runFunc(h.t, func(ctx context.Context) error { return h.Handler.Handle(ctx, r) })
	return h.got.Err
}

func (h inRun) WithAttrs(a []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(a)
	return h
}

func (h inRun) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}

func TestLinesAreStampedWithTheRun(t *testing.T) {
	var buf bytes.Buffer
	log := slog.New(cron.LogHandler(slog.NewJSONHandler(&buf, nil)))
	got := runFunc(t, func(ctx context.Context) error {
		log.With("a", 1).InfoContext(ctx, "plain", "b", 2)
		log.With("a", 1).WithGroup("g").With("c", 3).WarnContext(ctx, "in a group", "b", 2)
		log.Info("without the context")
		log.DebugContext(ctx, "too low")
		return nil
	})
	want := []string{
		fmt.Sprintf(`"level":"INFO","msg":"plain","a":1,"b":2,"job":"job","run":%q,"attempt":1}`, got.ID),
		fmt.Sprintf(`"level":"WARN","msg":"in a group","job":"job","run":%q,"attempt":1,"a":1,"g":{"c":3,"b":2}}`, got.ID),
		`"level":"INFO","msg":"without the context"}`,
	}
	lines := strings.Split(strings.TrimSpace(buf.String()), "\n")
	if len(lines) != len(want) {
		t.Fatalf("%s", &buf)
	}
	for i := range want {
		if !strings.HasSuffix(lines[i], want[i]) {
			t.Errorf("line %d is\n%s, want\n%s", i, lines[i], want[i])
		}
	}
	kept := []string{`1 INFO plain {"a":1,"b":2}`, `2 WARN in a group {"a":1,"g":{"c":3,"b":2}}`}
	if len(got.Logs) != len(kept) {
		t.Fatalf("%+v", got.Logs)
	}
	for i, l := range got.Logs {
		if text := fmt.Sprintf("%d %s %s %s", l.Seq, l.Level, l.Message, l.Attrs); text != kept[i] || l.Attempt != 1 || l.Time.IsZero() {
			t.Errorf("%s at %s, attempt %d; want %s", text, l.Time, l.Attempt, kept[i])
		}
	}
}

// TestLoggersDoNotShareWhatTheyWereGiven makes several of one, each with attributes of its own.
func TestLoggersDoNotShareWhatTheyWereGiven(t *testing.T) {
	log := slog.New(cron.LogHandler(slog.DiscardHandler)).With("a", 1).With("b", 2).With("c", 3)
	got := runFunc(t, func(ctx context.Context) error {
		one, two := log.With("d", 4), log.With("e", 5)
		one.InfoContext(ctx, "one")
		two.InfoContext(ctx, "two")
		return nil
	})
	for i, want := range []string{`{"a":1,"b":2,"c":3,"d":4}`, `{"a":1,"b":2,"c":3,"e":5}`} {
		if string(got.Logs[i].Attrs) != want {
			t.Errorf("%s, want %s", got.Logs[i].Attrs, want)
		}
	}
}

func TestWhichLevelsAreKept(t *testing.T) {
	for _, tt := range []struct {
		shown slog.Level
		kept  string
	}{
		{slog.LevelDebug, "[DEBUG INFO INFO+1 ERROR]"},
		{slog.LevelInfo, "[INFO INFO+1 ERROR]"},
		{slog.LevelError, "[INFO INFO+1 ERROR]"},
	} {
		t.Run(tt.shown.String(), func(t *testing.T) {
			var buf bytes.Buffer
			h := cron.LogHandler(slog.NewJSONHandler(&buf, &slog.HandlerOptions{Level: tt.shown}))
			got := runFunc(t, func(ctx context.Context) error {
				for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelInfo + 1, slog.LevelError} {
					slog.New(h).Log(ctx, l, "line")
				}
				return nil
			})
			var kept []string
			for _, l := range got.Logs {
				kept = append(kept, l.Level)
			}
			if fmt.Sprint(kept) != tt.kept {
				t.Errorf("%v, want %s", kept, tt.kept)
			}
			for l := range strings.SplitSeq(strings.TrimSpace(buf.String()), "\n") {
				if tt.shown == slog.LevelError && strings.Contains(l, "INFO") {
					t.Errorf("shown below its level: %s", l)
				}
			}
			if h.Enabled(t.Context(), slog.LevelInfo) != (tt.shown <= slog.LevelInfo) {
				t.Error("outside of a run the next handler decides")
			}
		})
	}
}

func TestALineWithoutATimeIsFromNow(t *testing.T) {
	h := cron.LogHandler(slog.DiscardHandler)
	began := time.Now().Truncate(time.Millisecond)
	got := runFunc(t, func(ctx context.Context) error {
		return h.Handle(ctx, slog.NewRecord(time.Time{}, slog.LevelInfo, "line", 0))
	})
	if len(got.Logs) != 1 || got.Logs[0].Time.Before(began) || got.Logs[0].Attrs != nil {
		t.Errorf("%+v", got.Logs)
	}
}

// hidden is a value that says itself how it is logged.
type hidden struct{ token string }

func (h hidden) LogValue() slog.Value {
	return slog.GroupValue(slog.String("user", "ann"), slog.String("token", h.token))
}

type login struct {
	User     string
	Password string
	Inner    []map[string]string
}

// tokenError is shown as its text, as errors are, and not as its fields.
type tokenError struct{ Token string }

func (tokenError) Error() string { return "boom" }

type panics struct{ A int }

func (panics) MarshalJSON() ([]byte, error) { panic("s3cret") }

func TestSecretsAreHidden(t *testing.T) {
	const s = "s3cret"
	tests := []struct {
		name string
		log  func(l *slog.Logger, ctx context.Context)
		want string // the attributes that are kept
	}{
		{"key", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "password", s) }, `{"password":"[redacted]"}`},
		{"spellings", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", "API-Key", s, "apiKey", s, "api_key", s, "DB_DSN", "kept", "dsn", s, "Authorization", s, "private.key", s)
		}, `{"API-Key":"[redacted]","apiKey":"[redacted]","api_key":"[redacted]","DB_DSN":"kept","dsn":"[redacted]","Authorization":"[redacted]","private.key":"[redacted]"}`},
		{"no secret", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "records_new", 1, "key", "k") }, `{"records_new":1,"key":"k"}`},
		{"with", func(l *slog.Logger, ctx context.Context) { l.With("secret", s).InfoContext(ctx, "m", "a", 1) }, `{"secret":"[redacted]","a":1}`},
		{"group", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", slog.Group("a", slog.Group("b", "token", s, "c", 1)))
		}, `{"a":{"b":{"token":"[redacted]","c":1}}}`},
		{"group of secrets", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", slog.Group("credentials", "user", s))
		}, `{"credentials":"[redacted]"}`},
		{"opened group of secrets", func(l *slog.Logger, ctx context.Context) {
			l.WithGroup("credentials").With("a", s).WithGroup("g").InfoContext(ctx, "m", "user", s)
		}, `{"credentials":{"a":"[redacted]","g":{"user":"[redacted]"}}}`},
		{"LogValuer", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "who", hidden{s}) }, `{"who":{"user":"ann","token":"[redacted]"}}`},
		{"LogValuer in a group", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", slog.Group("g", slog.Any("who", hidden{s})))
		}, `{"g":{"who":{"user":"ann","token":"[redacted]"}}}`},
		{"map", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", "headers", http.Header{"Authorization": {s}, "Accept": {"*"}})
		}, `{"headers":{"Accept":["*"],"Authorization":"[redacted]"}}`},
		{"struct", func(l *slog.Logger, ctx context.Context) {
			l.InfoContext(ctx, "m", "login", &login{"ann", s, []map[string]string{{"cookie": s}, {"cookie": s}}})
		}, `{"login":{"Inner":[{"cookie":"[redacted]"},{"cookie":"[redacted]"}],"Password":"[redacted]","User":"ann"}}`},
		{"struct without one", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "p", struct{ B, A int }{1, 2}) }, `{"p":{"B":1,"A":2}}`},
		{"error", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "error", tokenError{"t"}) }, `{"error":"boom"}`},
		{"value that panics", func(l *slog.Logger, ctx context.Context) { l.InfoContext(ctx, "m", "p", panics{}) }, `{"p":"[not shown: cron_test.panics panicked]"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for format, next := range map[string]func(*bytes.Buffer) slog.Handler{
				"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
				"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			} {
				var buf bytes.Buffer
				l := slog.New(cron.LogHandler(next(&buf)))
				got := runFunc(t, func(ctx context.Context) error { tt.log(l, ctx); return nil })
				if len(got.Logs) != 1 || string(got.Logs[0].Attrs) != tt.want {
					t.Errorf("%+v, want %s", got.Logs, tt.want)
				}
				if strings.Contains(buf.String(), s) || buf.Len() == 0 {
					t.Errorf("the program's log in %s: %s", format, &buf)
				}
			}
		})
	}
}

func TestLogHandlerIsNotWrappedTwice(t *testing.T) {
	log := slog.New(cron.LogHandler(cron.LogHandler(slog.DiscardHandler)))
	if got := runFunc(t, func(ctx context.Context) error { log.InfoContext(ctx, "once"); return nil }); len(got.Logs) != 1 {
		t.Errorf("%+v", got.Logs)
	}
}

func TestLongLinesAreCut(t *testing.T) {
	const most = 16 << 10
	log := slog.New(cron.LogHandler(slog.DiscardHandler))
	tests := []struct {
		name    string
		message string
		attr    string
		kept    int // bytes of the message before the mark
		mark    string
		attrs   string
	}{
		{"just fits", strings.Repeat("x", most), "", most, "", ""},
		{"one too many", strings.Repeat("x", most+1), "", most, "… [1 bytes left out]", ""},
		{"at a rune's edge", "x" + strings.Repeat("ä", most), "", most - 1, fmt.Sprintf("… [%d bytes left out]", most+2), ""},
		{"nothing but broken runes", strings.Repeat("\x80", most+1), "", 3, "… [1 bytes left out]", ""},
		{"broken runes after whole ones", "xx" + strings.Repeat("\x80", most), "", 5, "… [2 bytes left out]", ""},
		{"attributes", "m", strings.Repeat("x", most), 1, "", fmt.Sprintf(`{"a":"%s… [%d bytes left out]"}`, strings.Repeat("x", most/4), most-most/4)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := runFunc(t, func(ctx context.Context) error {
				if tt.attr != "" {
					log.InfoContext(ctx, tt.message, "a", tt.attr)
				} else {
					log.InfoContext(ctx, tt.message)
				}
				return nil
			})
			m := got.Logs[0].Message
			if !utf8.ValidString(m) || len(m) != tt.kept+len(tt.mark) || !strings.HasSuffix(m, tt.mark) {
				t.Errorf("%d bytes, ending in %q; want %d and %q", len(m), m[max(0, len(m)-40):], tt.kept, tt.mark)
			}
			if string(got.Logs[0].Attrs) != tt.attrs {
				t.Errorf("attributes %s", got.Logs[0].Attrs)
			}
		})
	}
}

// Databases refuse text that is not UTF-8, and PostgreSQL a NUL in it.
func TestTextIsMadeValid(t *testing.T) {
	log := slog.New(cron.LogHandler(slog.DiscardHandler))
	got := runFunc(t, func(ctx context.Context) error {
		log.InfoContext(ctx, "a\xffb\x00c", "k\xff", "v\xff\x00")
		return errors.New("e\xff\x00")
	})
	if l := got.Logs[0]; l.Message != "a\ufffdb\ufffdc" || !utf8.Valid(l.Attrs) || !json.Valid(l.Attrs) || bytes.ContainsRune(l.Attrs, 0) {
		t.Errorf("%q %q", l.Message, l.Attrs)
	}
	if got.Error != "e\ufffd\ufffd" {
		t.Errorf("error %q", got.Error)
	}
}

func TestTheLogOfARunIsCapped(t *testing.T) {
	log := slog.New(cron.LogHandler(slog.DiscardHandler))
	const lines = 10_000
	text := strings.Repeat("x", 100)
	got := runFunc(t, func(ctx context.Context) error {
		for i := range lines {
			log.InfoContext(ctx, text, "i", i)
		}
		return nil
	})
	n := len(got.Logs)
	size := 0
	for i, l := range got.Logs {
		size += len(l.Message) + len(l.Attrs)
		if l.Seq != int64(i+1) {
			t.Fatalf("line %d has number %d", i, l.Seq)
		}
	}
	if size > 256<<10 || size < 150<<10 {
		t.Errorf("%d bytes kept", size)
	}
	cut, count := got.Logs[n-2], got.Logs[n-1]
	if cut.Level != "WARN" || !strings.HasPrefix(cut.Message, "[log cut here: this run logged more than 262144 bytes") {
		t.Errorf("%+v", cut)
	}
	if want := fmt.Sprintf("[%d lines were left out]", lines-(n-2)); count.Message != want {
		t.Errorf("%q, want %q", count.Message, want)
	}
}
