package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
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

// An element of a module's path, https://go.dev/ref/mod#go-mod-file-ident.
var pathElement = regexp.MustCompile(`^[A-Za-z0-9_~-]([A-Za-z0-9._~-]*[A-Za-z0-9_~-])?$`)

func (p *program) renameModule(to string) error {
	for element := range strings.SplitSeq(to, "/") {
		if !pathElement.MatchString(element) {
			return usage("%q is not a module path; write it as example.com/me/app", to)
		}
	}
	if first, _, _ := strings.Cut(to, "/"); standard[first] {
		return usage("%q would hide packages of the standard library; write it as example.com/me/app", to)
	}
	from, err := modulePath(p.dir)
	if err != nil {
		return err
	}
	edits, err := renaming{root: p.dir, from: []string{from, template}, to: to}.edits()
	if err != nil {
		return usage("%v; nothing was changed", err)
	}
	// The root's go.mod is written last: until then the same command can be given again.
	for _, e := range edits {
		if err := os.WriteFile(e.path, e.text, e.mode.Perm()); err != nil {
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

// template is the path that the template's own files have when they come in by a later merge.
const template = "fibercrons"

// standard are the first elements of the standard library's paths that a person might choose.
var standard = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`archive bufio builtin bytes cmp compress container context crypto database debug
		embed encoding errors expvar flag fmt go hash html image index internal io iter log maps math mime net os path
		plugin reflect regexp runtime slices sort strconv strings structs sync syscall testing text time unicode unique
		unsafe vendor weak main std cmd all tool`) {
		names[name] = true
	}
	return names
}()

// relative is path as a person in root writes it.
func relative(root, path string) string {
	if r, err := filepath.Rel(root, path); err == nil {
		return r
	}
	return path
}
