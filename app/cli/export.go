package cli

import (
	"github.com/spf13/cobra"

	"fibercrons/app/metrics/board"
)

func (p *program) export() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export grafana|alerts",
		Short: "Print a Grafana board, or Prometheus alert rules, for what /metrics tells",
		Long: `Print what watches this program from outside. Prometheus scrapes /metrics; from another machine that takes
the viewer token:

  scrape_configs:
    - job_name: crons
      authorization: {credentials: the value of CRON_VIEWER_TOKEN}
      static_configs: [{targets: ['crons.example.com:3000']}]

grafana is a board to import as it is; alerts is a file for rule_files in prometheus.yml.`,
		Example: `  cli export grafana > board.json
  cli export alerts > crons.rules.yml`,
		Args:      one("export"),
		ValidArgs: []string{"grafana", "alerts"},
		RunE: func(_ *cobra.Command, args []string) error {
			var text []byte
			var err error
			switch args[0] {
			case "grafana":
				text, err = board.Board()
				text = append(text, '\n')
			case "alerts":
				text, err = board.Rules()
			default:
				return usage("%q cannot be exported; use grafana or alerts", args[0])
			}
			if err == nil {
				_, err = p.out.Write(text)
			}
			return err
		},
	}
	return cmd
}

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
