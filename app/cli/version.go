package cli

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"fibercrons/app"
	"fibercrons/app/part"
	"fibercrons/app/schedule"
)

// buildInfo is what version answers.
type buildInfo struct {
	Module   string   `json:"module"`
	Version  string   `json:"version"`
	Commit   string   `json:"commit,omitempty"`
	Time     string   `json:"commit_time,omitempty"`
	Modified bool     `json:"modified,omitempty"` // the tree had changes that are not in the commit
	Go       string   `json:"go"`
	Platform string   `json:"platform"`
	TZData   string   `json:"tzdata"` // the time-zone data by which slots are computed
	Parts    []string `json:"parts"`  // what it is built with; see package part
}

func (p *program) version() *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Tell which build this is", Args: none}
	return shows(cmd, func(_ context.Context, _ []string, format string) error {
		b := buildInfo{Version: app.Version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, TZData: schedule.DataVersion(), Parts: part.Built()}
		if info, ok := debug.ReadBuildInfo(); ok {
			b.Module = info.Main.Path
			for _, s := range info.Settings {
				switch s.Key {
				case "vcs.revision":
					b.Commit = s.Value
				case "vcs.time":
					b.Time = s.Value
				case "vcs.modified":
					b.Modified = s.Value == "true"
				}
			}
		}
		line := fmt.Sprintf("%s %s %s %s tzdata %s", b.Module, b.Version, b.Go, b.Platform, b.TZData)
		if b.Modified {
			line += " modified"
		}
		line += "\nparts: " + strings.Join(b.Parts, " ")
		return p.answer(format, b, line)
	})
}
