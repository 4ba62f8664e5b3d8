package cli

import (
	"context"
	"os"
	"os/user"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/store"
)

// audited returns what is in the audit, oldest first.
func (f *fixture) audited() []contract.AuditEntry {
	f.t.Helper()
	db, err := store.Open(f.t.Context(), store.Options{URL: f.env["DATABASE_URL"], ReadOnly: true})
	if err != nil {
		f.t.Fatal(err)
	}
	defer db.Close()
	entries, err := db.Audits(f.t.Context(), "", 0, 100)
	if err != nil {
		f.t.Fatal(err)
	}
	for i, j := 0, len(entries)-1; i < j; i, j = i+1, j-1 {
		entries[i], entries[j] = entries[j], entries[i]
	}
	return entries
}

// Every change by the CLI leaves an entry, as a change over HTTP does, and nothing else does.
func TestEveryChangeIsAudited(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		time.Sleep(24 * time.Hour)
		f := newFixture(t)
		someJobs(f)
		f.registry.Register("stay", "@yearly", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		interrupted, interrupt := context.WithTimeout(t.Context(), time.Minute)
		defer interrupt()
		tests := []struct {
			args   []string
			status int
			action string // empty: nothing was changed
			holds  string // in before and after
		}{
			{[]string{"run-job", "hello"}, exitDone, "run hello", `"run":"`},
			{[]string{"run-job", "report", "--args", `{"month":"2027-02"}`, "--force"}, exitDone, "run report", `"args":{"month":"2027-02"}`},
			{[]string{"run-job", "hello", "--args", `{"x":1}`}, exitUsage, "", ""},
			{[]string{"pause", "hello", "--reason", "tests"}, exitDone, "pause hello", `{"pause":null,"paused":false}{"paused":true,"reason":"tests","until":null}`},
			{[]string{"run-job", "hello"}, exitRefused, "", ""},
			{[]string{"resume", "hello"}, exitDone, "resume hello", `{"paused":false}`},
			{[]string{"backfill", "hello", "--from", "2000-01-01T00:00:00Z", "--to", "2000-01-01T00:10:00Z"}, exitDone, "backfill hello", `"runs":3`},
			{[]string{"backfill", "hello", "--from", "2000-01-01T00:00:00Z", "--to", "2000-01-01T00:10:00Z", "--dry-run"}, exitDone, "", ""},
			{[]string{"schedule", "put", "a/b", "--job", "report", "--expr", "@daily"}, exitDone, "schedule.put a/b", `"expr":"@daily"`},
			{[]string{"schedule", "put", "a/b", "--job", "report", "--expr", "@daily"}, exitDone, "", ""},
			{[]string{"schedule", "put", "a/b", "--job", "report", "--expr", "61"}, exitUsage, "", ""},
			{[]string{"schedule", "pause", "a/b", "--reason", "tests"}, exitDone, "schedule.pause a/b", `{"paused":false}{"paused":true,"reason":"tests","until":null}`},
			{[]string{"schedule", "resume", "a/b"}, exitDone, "schedule.resume a/b", `{"paused":false}`},
			{[]string{"schedule", "export"}, exitDone, "", ""},
			{[]string{"schedule", "delete", "a/b"}, exitDone, "schedule.delete a/b", `"job":"report"`},
			{[]string{"run-job", "report", "--at", "2h"}, exitDone, "run report", `"at":"`},
			{[]string{"pause", "nothing"}, exitNotFound, "", ""},
			{[]string{"cancel", "hello"}, exitNotFound, "", ""},
			{[]string{"list"}, exitDone, "", ""},
			{[]string{"history", "hello"}, exitDone, "", ""},
			{[]string{"run-job", "stay"}, exitFailed, "run stay", ""}, // Ctrl-C cancels it
		}
		before := 0
		for _, test := range tests {
			if r := f.runContext(interrupted, test.args...); r.status != test.status {
				t.Fatalf("%v: exit %d, want %d: %s%s", test.args, r.status, test.status, r.out, r.err)
			}
			entries := f.audited()[before:]
			before += len(entries)
			if test.action == "" {
				if len(entries) > 0 {
					t.Errorf("%v has left %+v", test.args, entries)
				}
				continue
			}
			if len(entries) == 0 {
				t.Fatalf("%v is not in the audit", test.args)
			}
			e := entries[0]
			if e.Action+" "+e.Target != test.action || !strings.Contains(string(e.Before)+string(e.After), test.holds) {
				t.Errorf("%v: %s %s %s %s", test.args, e.Action, e.Target, e.Before, e.After)
			}
			host, _ := os.Hostname()
			if me, err := user.Current(); err == nil && e.Actor != "cli:"+me.Username || e.Origin != "cli@"+host || e.At.IsZero() {
				t.Errorf("%v: by %s from %s at %s", test.args, e.Actor, e.Origin, e.At)
			}
			if test.action == "run stay" && (len(entries) != 2 || entries[1].Action != "cancel") {
				t.Errorf("the cancel is missing: %+v", entries)
			}
		}
	})
}

// Texts that not every database takes are refused, as over HTTP.
func TestUnfitTextsAreRefused(t *testing.T) {
	f := newFixture(t)
	someJobs(f)
	for text, want := range map[string]string{
		"a\x00b":                   "/reason: holds a NUL character",
		"a\xffb":                   "/reason: is not UTF-8",
		strings.Repeat("x", 501):   "/reason: is longer than 500 characters",
		strings.Repeat("ü", 500):   "",
		"\x1b[31mred\x1b[0m\r\n\a": "", // kept, and inert wherever it is shown
	} {
		r := f.run("pause", "hello", "--reason", text)
		if want == "" && r.status != exitDone || want != "" && (r.status != exitUsage || !strings.Contains(r.err, want)) {
			t.Errorf("%.10q: exit %d %s", text, r.status, r.err)
		}
	}
	for _, args := range [][]string{{"show", "hello"}, {"status"}, {"list", "-o", "json"}, {"history", "a\x1b[31m\x00b"}, {"cancel", "a\x1b\x00"}, {"pause", "\x1b]0;x\a"}} {
		r := f.run(args...)
		if strings.ContainsAny(r.out+r.err, "\x00\x1b\a\r") {
			t.Errorf("%q: %q %q", args, r.out, r.err)
		}
	}
}
