package webtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"fibercrons/app/cron"
)

// The tokens of every application, unless its setup removes them.
const (
	OperatorToken = "operator-token-of-the-tests"
	ViewerToken   = "viewer-token-of-the-tests"
)

type pages struct {
	Pages int    `json:"pages"`
	Title string `json:"title"`
}

// SomeJobs registers jobs of several kinds.
func SomeJobs(set *Setup) {
	set.Registry = cron.NewRegistry()
	set.Registry.Register("backup", "0 3 * * *", Succeed, cron.Tags("nightly", "db"), cron.Describe("copies the database"))
	set.Registry.Register("report", "0 4 * * *", Broken, cron.Tags("nightly"), cron.Meta("owner", "billing"))
	set.Registry.Register("print", "@yearly", Succeed, cron.Args(pages{Pages: 1, Title: "none"}))
	set.Registry.Register("stay", "@yearly", UntilCancelled)
	set.Registry.Register("talk", "@yearly", func(ctx context.Context) error {
		for i := range 5 {
			slog.InfoContext(ctx, "line", "i", i)
		}
		return nil
	})
	set.Registry.Register("abroad", "@yearly", Succeed, cron.Only("production"))
}

// ManyJobs registers n jobs.
func ManyJobs(n int) func(*Setup) {
	return func(set *Setup) {
		set.Registry = cron.NewRegistry()
		for i := range n {
			set.Registry.Register(fmt.Sprintf("job-%05d", i), "30 4 1 1 *", Succeed,
				cron.Tags("load", fmt.Sprintf("shard-%d", i%10)), cron.Meta("owner", "nobody"), cron.Describe("does nothing, often"))
		}
		set.Env["LOG_LEVEL"] = "warn"
	}
}

// Hostile is text that does something wherever it is not treated as text.
const Hostile = "<script>alert(1)</script>\"'`&\r\nX-Evil: 1\x1b[31m\x1b]0;owned\x07\x00\x7f\u009b31m\u2028{{.}}${x}%s"

// Outward listens on all addresses.
func Outward(set *Setup) { set.Env["HOST"] = "0.0.0.0" }

// WithoutTokens removes the tokens.
func WithoutTokens(set *Setup) {
	delete(set.Env, "CRON_OPERATOR_TOKEN")
	delete(set.Env, "CRON_VIEWER_TOKEN")
}

// AuthOff lets everybody do everything.
func AuthOff(set *Setup) { set.Env["CRON_AUTH"] = "off" }

// Succeed is a job that does.
func Succeed(context.Context) error { return nil }

// Broken is a job that fails.
func Broken(context.Context) error { return errors.New("out of paper") }

// UntilCancelled is a job that ends when it is told to.
func UntilCancelled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}
