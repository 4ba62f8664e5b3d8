package site

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofiber/fiber/v2"
)

// Listen takes the configured address. It is apart from [Site.Serve], so that a taken port is found before
// anything starts.
func (s *Site) Listen(ctx context.Context) error {
	addr := s.app.Config.Addr()
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("listen on %s: the port is taken; stop the program that has it, or set PORT to another one", addr)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("listen on %s: not allowed; set PORT to 1024 or more", addr)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("listen on %s: this machine has no such address; set HOST to one it has, or to 0.0.0.0 for all", addr)
	case err != nil:
		return fmt.Errorf("listen on %s: %w", addr, err)
	}
	s.ln = ln
	return nil
}

// Addr is the address taken by [Site.Listen]; empty before.
func (s *Site) Addr() string {
	if s.ln == nil {
		return ""
	}
	return s.ln.Addr().String()
}

// URL is where a person finds the server; empty before [Site.Listen].
func (s *Site) URL() string {
	if s.ln == nil {
		return ""
	}
	host := s.app.Config.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.ln.Addr().(*net.TCPAddr).Port))
}

// LoginLink is a link that logs in, with the operator token made at this start; empty when a token is configured, or
// when the routes have no login. It is for the terminal of whoever started the program, not for a log.
func (s *Site) LoginLink() string {
	if s.app.Tokens.Made() == "" || s.access.Off() || s.ln == nil {
		return ""
	}
	for _, route := range s.fiber.GetRoutes(true) {
		if route.Method == fiber.MethodPost && strings.HasSuffix(route.Path, "/crons/login") {
			return s.URL() + route.Path + "#token=" + s.app.Tokens.Made()
		}
	}
	return ""
}

// Serve answers requests until ctx ends. Then it accepts no more requests, ends streams and waits, finishes the
// requests in progress and returns. The caller stops the scheduler after that, so that a run which the last request
// started is drained with the rest.
func (s *Site) Serve(ctx context.Context) error {
	served := make(chan error, 1)
	go func() { served <- s.fiber.Listener(s.ln) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.Drain)
	defer cancel()
	if err := s.fiber.ShutdownWithContext(drain); err != nil {
		s.app.Log.LogAttrs(ctx, slog.LevelWarn, "requests were still in work when the web server stopped", slog.String("error", err.Error()))
	}
	_ = s.ln.Close() // Shutdown does not know a listener that Fiber has not reached yet
	err := <-served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
