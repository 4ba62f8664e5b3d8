package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"fibercrons/app"
	"fibercrons/app/web/access"

	"github.com/gofiber/fiber/v2"
)

// Limits bound what one request may take.
type Limits struct {
	Body   int           // bytes of a body. Optional. Default: 1 MiB
	Header int           // bytes of request line and headers. Optional. Default: 16 KiB
	Read   time.Duration // from a request's first byte to its last. Optional. Default: 10s
	Write  time.Duration // for an answer to be taken. Optional. Default: 30s
	Idle   time.Duration // between requests on one connection. Optional. Default: 75s, longer than load balancers keep theirs
	Drain  time.Duration // for requests to finish at shutdown. Optional. Default: 5s

	Streams   int           // clients of /crons/events at one time. Optional. Default: 100
	Heartbeat time.Duration // between two signs of life to each of them. Optional. Default: 15s
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

// Server is an application's web side.
type Server struct {
	fiber     *fiber.App
	app       *app.App
	ledger    ledger
	history   history
	day       day
	access    *access.Control
	limits    Limits
	lists     *fresh
	listen    func(ctx context.Context, after string) (subscription, error)
	home      string // the page after a login
	streaming bool   // there is /crons/events
	count     func(c *fiber.Ctx, took time.Duration)

	apiJSON func() (document, error)
	apiPage func() ([]byte, error)

	streams atomic.Int64    // open now
	closing context.Context // ends when the server begins to stop; the parent of waits and streams
	close   context.CancelFunc
	ln      net.Listener
}

// Routes says what is served where: it calls the Mount methods of s, and adds routes of its own to r.
type Routes func(r fiber.Router, s *Server)

// New builds the web side of a.
func New(a *app.App, limits Limits, routes Routes) *Server {
	s := &Server{
		app:     a,
		ledger:  a.Store,
		history: a.Store,
		access:  access.New(a.Config),
		limits:  limits.withDefaults(),
		lists:   newFresh(a.Store.Stamp),
		home:    "/crons/docs",
		// Made when first asked for: a start need not wait for them.
		apiJSON: sync.OnceValues(newAPIJSON),
		apiPage: sync.OnceValues(newAPIPage),
	}
	s.listen = s.subscribe
	s.count = s.counting()
	s.closing, s.close = context.WithCancel(context.Background())
	s.fiber = fiber.New(fiber.Config{
		// A string of a request must not change under a job that was handed it.
		Immutable:                    true,
		CaseSensitive:                true,
		DisableStartupMessage:        true,
		DisablePreParseMultipartForm: true,
		ErrorHandler:                 s.brokenOff,
		BodyLimit:                    s.limits.Body,
		ReadBufferSize:               s.limits.Header,
		ReadTimeout:                  s.limits.Read,
		WriteTimeout:                 s.limits.Write,
		IdleTimeout:                  s.limits.Idle,
	})
	s.fiber.Server().Handler = s.screen(s.fiber.Server().Handler)
	s.fiber.Server().CloseOnShutdown = true
	s.fiber.Use(s.observe)
	routes(s.fiber, s)
	if s.serves("/crons/dashboard") {
		s.home = "/crons/dashboard"
	}
	s.streaming = s.serves("/crons/events")
	return s
}

func (s *Server) serves(path string) bool {
	for _, route := range s.fiber.GetRoutes(true) {
		if route.Method == fiber.MethodGet && strings.TrimSuffix(route.Path, "/") == path {
			return true
		}
	}
	return false
}

// Listen takes the configured address. It is apart from [Server.Serve] so that a taken port is known
// before anything is started.
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

// LoginLink is a link that logs in, with the operator token made at this start. It is empty when a
// token is configured. It is meant for the eyes of whoever started the program, not for a log.
func (s *Server) LoginLink() string {
	if s.access.Made() == "" || s.ln == nil {
		return ""
	}
	return s.URL() + "/crons/login#token=" + s.access.Made()
}

// Serve answers requests until ctx ends. Then streams and waits are ended, no request is taken any
// more, those in work are finished, and Serve returns. The caller stops the scheduler after that, so
// that whatever a last request has started is drained with the rest.
func (s *Server) Serve(ctx context.Context) error {
	defer s.lists.close()
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
	_ = s.ln.Close() // Shutdown knows nothing of a listener that Serve had not come to yet
	err := <-served
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
