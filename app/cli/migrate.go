package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/cli/term"
	"fibercrons/app/internal/console"
	"fibercrons/app/store"
)

// schema is what migrate answers.
type schema struct {
	Database string `json:"database"`
	Version  int    `json:"version"` // 0: there are no tables yet
	Needed   int    `json:"needed"`
	// Of models/migrations.go, by their IDs.
	Applied []string `json:"applied,omitempty"`
	Pending []string `json:"pending,omitempty"`
}

func (p *program) migrate() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's tables up to date, yours by models/migrations.go too, as the server does at its start",
		Args:  none,
	}
	status := &cobra.Command{
		Use:   "status",
		Short: "Tell which version the tables have, and which one this program needs; changes nothing",
		Args:  none,
	}
	up := &cobra.Command{Use: "up", Short: "The same as migrate alone", Args: none}
	run := func(look bool) func(context.Context, []string, string) error {
		return func(ctx context.Context, _ []string, format string) error { return p.schema(ctx, look, format) }
	}
	cmd.AddCommand(shows(status, run(true)), shows(up, run(false)))
	return shows(cmd, run(false))
}

func (p *program) schema(ctx context.Context, look bool, format string) error {
	cfg, err := p.settings()
	if err != nil {
		return err
	}
	url, err := app.Database(cfg)
	if err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{URL: url, ReadOnly: look, NoMigrate: look, Lease: cfg.Lease, Migrations: p.Migrations})
	if err != nil {
		return asked(err)
	}
	have, want, err := db.Version(ctx)
	var applied, pending []string
	if err == nil {
		applied, pending, err = db.Models(ctx)
	}
	if closed := db.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return asked(err)
	}
	if format == term.AsJSON {
		return term.JSON(p.out, schema{cfg.Database.String(), have, want, applied, pending})
	}
	said := fmt.Sprintf("%s is at schema version %d", cfg.Database, have)
	switch {
	case have == want:
		said += ", which is what this program needs"
	case have < want:
		said += fmt.Sprintf("; this program needs %d: run migrate", want)
	default:
		said += fmt.Sprintf("; this program knows only up to %d: run the newer one", want)
	}
	fmt.Fprintln(p.out, said)
	for _, id := range applied {
		fmt.Fprintf(p.out, "models: %s\n", console.Inert(id))
	}
	for _, id := range pending {
		fmt.Fprintf(p.out, "models: %s, yet to be run\n", console.Inert(id))
	}
	return nil
}
