package asynq

import (
	"github.com/hibiken/asynq"

	"fibercrons/app/internal/redisurl"
)

// connections is the pool size of each of client, inspector and server.
const connections = 10

// parse reads the URL of Redis like the rest of the program. asynq's own parser supports neither a host without a port
// nor a database number among the parameters. The error does not repeat the URL.
func parse(text string) (asynq.RedisConnOpt, error) {
	s, err := redisurl.Parse(text)
	if err != nil {
		return nil, err
	}
	return asynq.RedisClientOpt{
		Network: s.Network, Addr: s.Addr, Username: s.Username, Password: s.Password, DB: s.Database, TLSConfig: s.TLS, PoolSize: connections,
	}, nil
}
