package cli

import (
	"github.com/spf13/cobra"
)

func (p *program) completion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print a script that completes commands, flags and job names in your shell",
		Long: `Print a completion script. It completes the command of that name, so build one first:

  go build -o cli ./cmd/cli
  source <(./cli completion bash)`,
		Args:      one("shell"),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		RunE: func(cmd *cobra.Command, args []string) error {
			switch root := cmd.Root(); args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.out, true)
			case "zsh":
				return root.GenZshCompletion(p.out)
			case "fish":
				return root.GenFishCompletion(p.out, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(p.out)
			}
			return usage("%q is not a shell this knows; use bash, zsh, fish or powershell", args[0])
		},
	}
}
