package env

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var redisPrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$`)

func (k *checker) redis(c *Config) {
	k.refuse(!redisPrefix.MatchString(c.RedisPrefix), "REDIS_PREFIX", "not a prefix of keys", "")
	if c.Redis.IsSet() && k.good("REDIS_URL") {
		what := redisProblem(c.Redis.Reveal())
		k.refuse(what != "", "REDIS_URL", what, "")
	}
}

// redisProblem says what is wrong with a URL without showing it, because a password may be anywhere in it.
func redisProblem(text string) string {
	u, err := url.Parse(text)
	if err != nil || !strings.Contains(text, "://") {
		return "not a URL (characters such as @ / # in a password are written %40 %2F %23)"
	}
	path := strings.Trim(u.Path, "/")
	known := []string{"db"}
	switch u.Scheme {
	case "redis", "rediss":
		switch {
		case u.Hostname() == "":
			return "names no host"
		case path != "" && !isDatabaseNumber(path):
			return "has something other than a database number after the host"
		}
		if port, err := strconv.Atoi(u.Port()); u.Port() != "" && (err != nil || port < 1 || port > 65535) {
			return "has an invalid port"
		}
		if u.Scheme == "rediss" {
			known = append(known, "skip_verify")
		}
	case "unix":
		if path == "" {
			return "names no socket"
		}
	default:
		return "not redis://, rediss:// or unix://"
	}
	if u.Fragment != "" {
		return "has a #, which must be written %23"
	}
	for name, values := range u.Query() {
		switch {
		case !slices.Contains(known, name):
			return "has a parameter after ? that is not accepted; known are " + strings.Join(known, ", ")
		case name == "db" && !isDatabaseNumber(values[0]):
			return "has a db that is not a database number"
		case name == "skip_verify" && values[0] != "true" && values[0] != "false":
			return "has a skip_verify that is not true or false"
		}
	}
	return ""
}

func isDatabaseNumber(text string) bool {
	n, err := strconv.Atoi(text)
	return err == nil && n >= 0
}
