// Command server runs the jobs on schedule and serves what routes mounts; see package app/server.
package main

import (
	"os"

	"fibercrons/app/cron"
	_ "fibercrons/app/parts"
	"fibercrons/app/server"
	"fibercrons/config"
	_ "fibercrons/jobs"
	"fibercrons/models"
	"fibercrons/routes"
)

func main() {
	os.Exit(server.Main(server.Program{Jobs: cron.Default, Load: config.Loader, Migrations: models.Migrations, Routes: routes.Mount}))
}
