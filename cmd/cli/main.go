// Command cli shows the jobs and controls them; see package app/cli.
package main

import (
	"os"

	"fibercrons/app/cli"
	"fibercrons/app/cron"
	_ "fibercrons/app/parts"
	"fibercrons/config"
	_ "fibercrons/jobs"
	"fibercrons/models"
)

func main() {
	os.Exit(cli.Main(cli.Program{Jobs: cron.Default, Load: config.Loader, Migrations: models.Migrations}))
}
