// Command cli shows the jobs and controls them; see package app/cli.
package main

import (
	"context"
	"os"

	"fibercrons/app/cli"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/config"
	_ "fibercrons/jobs"
)

func main() {
	os.Exit(cli.Main(cli.Program{Jobs: cron.Default, Load: load}))
}

func load(o ...env.Option) (env.Config, func(context.Context) context.Context, []string, error) {
	c, warnings, err := config.Load(o...)
	return c.Config, c.Context, warnings, err
}
