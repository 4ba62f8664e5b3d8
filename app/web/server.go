package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app"
	"fibercrons/app/web/access"
	"fibercrons/app/web/api"
	"fibercrons/app/web/pages"
)

// Limits bound what one request may take.
type Limits struct {
	Body   int           // bytes of a body. Optional. Default: 1 MiB
	Header int           // bytes of request line and headers. Optional. Default: 16 KiB
	Read   time.Duration // from a request's first byte to its last. Optional. Default: 10s
	Write  time.Duration // for a response to be read. Optional. Default: 30s
	Idle   time.Duration // between requests on one connection. Optional. Default: 75s, longer than load balancers keep theirs
	Drain  time.Duration // for requests to finish at shutdown. Optional. Default: 5s

	Streams   int           // clients of /crons/events at one time. Optional. Default: 100
	Heartbeat time.Duration // between two comments to each of them while nothing happens. Optional. Default: 15s
}

func (l Limits) withDefaults() Limits {
	if l.Body == 0 {
		l.Body = 1 << 20
	}
	if l.Header == 0 {
		l.Header = 16 << 10
	}
	if l.Read == 0 {
		l.Read = 10 * time.Second
	}
	if l.Write == 0 {
		l.Write = 30 * time.Second
	}
	if l.Idle == 0 {
		l.Idle = 75 * time.Second
	}
	if l.Drain == 0 {
		l.Drain = 5 * time.Second
	}
	if l.Streams == 0 {
		l.Streams = 100
	}
	if l.Heartbeat == 0 {
		l.Heartbeat = 15 * time.Second
	}
	return l
}

// Server is an application's web side. [New] makes it.
type Server struct {
	fiber  *fiber.App
	app    *app.App
	access *access.Control
	api    *api.API
	pages  *pages.Pages
	limits Limits
	count  func(c *fiber.Ctx, took time.Duration)

	closing context.Context // ends when the server begins to stop; the parent of waits and streams
	close   context.CancelFunc
	ln      net.Listener
}

// Listen takes the configured address. It is apart from [Server.Serve], so that a taken port is found before
// anything starts.
func (s *Server) Listen(ctx context.Context) error {
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

// Addr is the address taken by [Server.Listen]; empty before.
func (s *Server) Addr() string {
	if s.ln == nil {
		return ""
	}
	return s.ln.Addr().String()
}

// URL is where a person finds the server; empty before [Server.Listen].
func (s *Server) URL() string {
	if s.ln == nil {
		return ""
	}
	host := s.app.Config.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(s.ln.Addr().(*net.TCPAddr).Port))
}

// LoginLink is a link that logs in, with the operator token made at this start; empty when a token is
// configured. It is for the terminal of whoever started the program, not for a log.
func (s *Server) LoginLink() string {
	if s.access.Made() == "" || s.ln == nil {
		return ""
	}
	return s.URL() + "/crons/login#token=" + s.access.Made()
}

// Serve answers requests until ctx ends. Then it ends streams and waits, accepts no more requests, finishes those
// in progress and returns. The caller stops the scheduler after that, so that a run which the last request started is
// drained with the rest.
func (s *Server) Serve(ctx context.Context) error {
	defer s.api.Close()
	served := make(chan error, 1)
	go func() { served <- s.fiber.Listener(s.ln) }()
	select {
	case err := <-served:
		s.close()
		return err
	case <-ctx.Done():
	}
	s.close()
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
