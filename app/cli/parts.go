package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app/cli/source"
	"fibercrons/app/part"
)

func (p *program) add() *cobra.Command {
	return p.parts("add", "Build the program with more parts: write them into app/parts/parts.go", func(list *source.Parts, i part.Info) (string, error) {
		if list.Has(i.Package) {
			return i.Name + " is there already", nil
		}
		return "added " + i.Name + ": " + i.Gives, list.Add(i.Package, i.Gives)
	})
}

func (p *program) remove() *cobra.Command {
	return p.parts("remove", "Build the program without parts: take them out of app/parts/parts.go", func(list *source.Parts, i part.Info) (string, error) {
		if !list.Has(i.Package) {
			return i.Name + " is not there", nil
		}
		return "removed " + i.Name, list.Remove(i.Package)
	})
}

// parts is a command that changes the list of parts. It changes all that are named, or none.
func (p *program) parts(name, short string, change func(*source.Parts, part.Info) (said string, err error)) *cobra.Command {
	var described strings.Builder
	for _, k := range part.Known {
		fmt.Fprintf(&described, "  %-10s%s\n", k.Name, k.Gives)
	}
	return &cobra.Command{
		Use:     name + " PART...",
		Short:   short,
		Long:    short + ".\nThese are the parts that there are:\n\n" + described.String(),
		Example: "  go run ./cmd/cli " + name + " river",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("%s takes the names of parts, of %s", name, strings.Join(partNames(), ", "))
			}
			return nil
		},
		ValidArgs: partNames(),
		RunE: func(_ *cobra.Command, args []string) error {
			list, err := source.ReadParts(p.dir)
			if err != nil {
				return err
			}
			var said []string
			for _, arg := range args {
				at := slices.IndexFunc(part.Known, func(i part.Info) bool { return i.Name == arg })
				if at < 0 {
					return usage("there is no part %q; there are %s; nothing was changed", arg, strings.Join(partNames(), ", "))
				}
				line, err := change(list, part.Known[at])
				if err != nil {
					return err
				}
				said = append(said, line)
			}
			if err := list.Write(); err != nil {
				return err
			}
			fmt.Fprintln(p.out, strings.Join(said, "\n"))
			return nil
		},
	}
}

func partNames() []string {
	names := make([]string, len(part.Known))
	for i, k := range part.Known {
		names[i] = k.Name
	}
	return names
}
