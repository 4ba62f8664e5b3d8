package redis

import "fibercrons/app/part"

func init() {
	part.Links.Register("redis", func(s part.Setup, database string) (part.Link, error) {
		c, err := Open(Options{URL: s.Config.Redis.Reveal(), Prefix: s.Config.RedisPrefix, Database: database, Log: s.Log})
		if err != nil {
			return nil, err
		}
		return c, nil
	})
}
