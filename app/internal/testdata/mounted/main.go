// Command mounted is a program with a Fiber app of its own, which mounts the template's below /admin: its users, its
// sessions, its error handler, its log and its shutdown.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/session"

	"fibercrons/app"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	_ "fibercrons/app/store/sqlite" // the database
	"fibercrons/app/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(cron.LogHandler(slog.NewTextHandler(os.Stderr, nil)))
	slog.SetDefault(log) // what jobs log with slog.InfoContext is kept with their runs
	ln, err := net.Listen("tcp", "127.0.0.1:8080")
	if err == nil {
		err = serve(ctx, log, ln)
	}
	if err != nil {
		log.Error("stopped", "error", err)
		os.Exit(1)
	}
}

// serve serves until ctx ends.
func serve(ctx context.Context, log *slog.Logger, ln net.Listener) error {
	cfg, warnings, err := env.Load()
	if err != nil {
		return err
	}
	for _, w := range warnings {
		log.Warn(w)
	}
	crons, err := app.New(ctx, cfg, cron.Default, app.Log(log))
	if err != nil {
		return err
	}
	site := routes(crons)

	running, halt := context.WithCancel(context.WithoutCancel(ctx))
	ran := make(chan error, 1)
	go func() { ran <- crons.Run(running) }()
	served := make(chan error, 1)
	go func() { served <- site.Listener(ln) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = site.Shutdown()
		_ = ln.Close() // Shutdown does not know a listener that is not served yet
		if end := <-served; !errors.Is(end, net.ErrClosed) {
			err = errors.Join(err, end)
		}
	}
	halt() // the jobs stop after the last request
	return errors.Join(err, <-ran, crons.Close())
}

func init() {
	cron.Register("invoices", "0 6 * * *", func(ctx context.Context) error {
		slog.InfoContext(ctx, "sent", "run", cron.RunFrom(ctx).Key())
		return nil
	})
}

// accounts are the program's users and their passwords.
var accounts = map[string]struct {
	password string
	admin    bool
}{"ada": {"lovelace", true}, "guest": {"guest", false}}

func routes(crons *app.App) *fiber.App {
	site := fiber.New(fiber.Config{
		DisableStartupMessage: true,
		ErrorHandler: func(c *fiber.Ctx, err error) error {
			return c.Status(fiber.StatusTeapot).SendString("ours: " + err.Error())
		},
	})
	sessions := session.New()
	site.Post("/login", func(c *fiber.Ctx) error {
		user := c.FormValue("user")
		if account, ok := accounts[user]; !ok || account.password != c.FormValue("password") {
			return errors.New("no such user")
		}
		s, err := sessions.Get(c)
		if err != nil {
			return err
		}
		s.Set("user", user)
		if err := s.Save(); err != nil {
			return err
		}
		return c.Redirect("/admin/crons/dashboard", fiber.StatusSeeOther)
	})
	web.Mount(site.Group("/admin"), crons, web.Options{Authorize: func(c *fiber.Ctx) (web.Caller, error) {
		s, err := sessions.Get(c)
		if err != nil {
			return web.Caller{}, err
		}
		user, _ := s.Get("user").(string)
		switch account, ok := accounts[user]; {
		case !ok:
			return web.Caller{}, nil
		case account.admin:
			return web.Caller{Role: web.Operator, Name: user}, nil
		}
		return web.Caller{Role: web.Viewer, Name: user}, nil
	}})
	site.Get("/*", func(c *fiber.Ctx) error { return c.SendString("ours: " + c.Path()) })
	return site
}
