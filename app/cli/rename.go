package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"fibercrons/app/cli/source"
)

func (p *program) rename() *cobra.Command {
	return &cobra.Command{
		Use:   "rename MODULE",
		Short: "Give the module another path: in go.mod, in every import, and wherever else it is written",
		Example: `  go run ./cmd/cli rename example.com/me/app
  go build ./...`,
		Args:              one("module path"),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(_ *cobra.Command, args []string) error {
			return p.renameModule(args[0])
		},
	}
}

func (p *program) renameModule(to string) error {
	if err := source.CheckModule(to); err != nil {
		return err
	}
	from, err := source.Module(p.dir)
	if err != nil {
		return err
	}
	edits, err := source.Rename(p.dir, from, to)
	if err != nil {
		return usage("%v; nothing was changed", err)
	}
	for _, e := range edits {
		if err := e.Write(); err != nil {
			return usage("%v; give the same command again when that is put right", err)
		}
	}
	if len(edits) == 0 {
		fmt.Fprintf(p.out, "the module is %s already\n", to)
		return nil
	}
	fmt.Fprintf(p.out, "the module is %s now; %d files were changed\n", to, len(edits))
	return nil
}
