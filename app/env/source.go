package env

import (
	"os"
	"strings"
)

// Option changes where [Load] and [Fill] read from, for tests. By default they read the environment and .env.
type Option func(*source)

type source struct {
	env  map[string]string
	file string
}

// Env makes Load read m instead of the process environment. The file .env is still read, unless File("") is given too.
func Env(m map[string]string) Option { return func(s *source) { s.env = m } }

// File makes Load read path instead of .env in the working directory. An empty path reads no file. A missing file is
// not a mistake.
func File(path string) Option { return func(s *source) { s.file = path } }

func processEnv() map[string]string {
	m := make(map[string]string)
	for _, line := range os.Environ() {
		if name, value, ok := strings.Cut(line, "="); ok {
			m[name] = value
		}
	}
	return m
}
