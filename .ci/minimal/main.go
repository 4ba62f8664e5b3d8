// Command minimal is the least program of the same five libraries, with which .ci/weigh compares the template.
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/gofiber/fiber/v2"
	"github.com/joho/godotenv"
	"github.com/reugn/go-quartz/job"
	"github.com/reugn/go-quartz/quartz"
	"gorm.io/gorm"
)

type Run struct {
	ID uint
	At time.Time
}

func main() {
	_ = godotenv.Load()
	db, err := gorm.Open(sqlite.Open("runs.db"), &gorm.Config{})
	if err != nil {
		log.Fatal(err)
	}
	_ = db.AutoMigrate(&Run{})
	sched, _ := quartz.NewStdScheduler()
	sched.Start(context.Background())
	trigger, _ := quartz.NewCronTrigger("0 */5 * * * *")
	_ = sched.ScheduleJob(quartz.NewJobDetail(job.NewFunctionJob(func(ctx context.Context) (int, error) {
		return 0, db.WithContext(ctx).Create(&Run{At: time.Now()}).Error
	}), quartz.NewJobKey("hello")), trigger)
	app := fiber.New()
	app.Get("/", func(c *fiber.Ctx) error {
		var runs []Run
		db.Find(&runs)
		return c.JSON(runs)
	})
	log.Fatal(app.Listen(":" + os.Getenv("PORT")))
}
