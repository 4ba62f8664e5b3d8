// Command server runs the jobs on schedule and serves what routes mounts; see package app/server.
package main

import (
	"context"
	"os"

	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/server"
	"fibercrons/config"
	_ "fibercrons/jobs"
	"fibercrons/routes"
)

func main() {
	os.Exit(server.Main(server.Program{Jobs: cron.Default, Load: load, Routes: routes.Mount}))
}

func load(o ...env.Option) (env.Config, func(context.Context) context.Context, []string, error) {
	c, warnings, err := config.Load(o...)
	return c.Config, c.Context, warnings, err
}
