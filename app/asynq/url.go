package asynq

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/hibiken/asynq"
)

// connections is the pool size of each of client, inspector and server.
const connections = 10

var errURL = errors.New("REDIS_URL is invalid for asynq; use redis://[user:password@]host[:port][/number], rediss:// and unix:///path")

// parse reads the URL of Redis like the rest of the program. asynq's own parser supports neither a host without a port
// nor a database number among the parameters. The error does not repeat the URL.
func parse(text string) (asynq.RedisConnOpt, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL
	}
	password, _ := u.User.Password()
	o := asynq.RedisClientOpt{Network: "tcp", Username: u.User.Username(), Password: password, PoolSize: connections}
	number := strings.Trim(u.Path, "/")
	switch u.Scheme {
	case "redis":
	case "rediss":
		insecure, _ := strconv.ParseBool(u.Query().Get("skip_verify"))
		o.TLSConfig = &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: insecure, MinVersion: tls.VersionTLS12} //nolint:gosec // set explicitly in the URL
	case "unix":
		o.Network, o.Addr, number = "unix", u.Path, ""
	default:
		return nil, errURL
	}
	if o.Addr == "" {
		if u.Hostname() == "" {
			return nil, errURL
		}
		port := u.Port()
		if port == "" {
			port = "6379"
		}
		o.Addr = net.JoinHostPort(u.Hostname(), port)
	}
	if db := u.Query().Get("db"); db != "" {
		number = db
	}
	if number != "" {
		if o.DB, err = strconv.Atoi(number); err != nil || o.DB < 0 {
			return nil, errURL
		}
	}
	return o, nil
}
