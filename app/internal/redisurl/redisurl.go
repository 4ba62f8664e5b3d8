// Package redisurl parses the URL of a Redis server, for all that connect to one.
package redisurl

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Server is where and how to connect.
type Server struct {
	Network, Addr      string
	Username, Password string
	Database           int
	TLS                *tls.Config // nil: none
}

var errURL = errors.New("REDIS_URL is invalid: use redis://[user:password@]host[:port][/number], rediss:// for TLS, or unix:///path/to/redis.sock")

// Parse parses redis://[user:password@]host[:port][/number], rediss:// or unix:///path, with ?db= and ?skip_verify=. The
// error does not repeat the URL, which may hold a password.
func Parse(text string) (s Server, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return s, errURL
	}
	s = Server{Network: "tcp", Username: u.User.Username()}
	s.Password, _ = u.User.Password()
	number, query := strings.Trim(u.Path, "/"), u.Query()
	switch u.Scheme {
	case "redis":
	case "rediss":
		insecure, _ := strconv.ParseBool(query.Get("skip_verify"))
		s.TLS = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // set explicitly in the URL
	case "unix":
		s.Network, s.Addr, number = "unix", u.Path, ""
	default:
		return s, errURL
	}
	if s.Addr == "" {
		if u.Hostname() == "" {
			return s, errURL
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		s.Addr = net.JoinHostPort(u.Hostname(), port)
	}
	for name, values := range query {
		switch name {
		case "db":
			number = values[0]
		case "skip_verify":
		default:
			return s, errURL
		}
	}
	if number != "" {
		if s.Database, err = strconv.Atoi(number); err != nil || s.Database < 0 {
			return s, errURL
		}
	}
	return s, nil
}
