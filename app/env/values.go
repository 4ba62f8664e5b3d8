package env

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/schedule"
)

// Auth says whether the server requires tokens.
type Auth string

// The values of CRON_AUTH.
const (
	// AuthToken requires the operator token; for reads the viewer token is enough.
	AuthToken Auth = "token"
	// AuthOff requires no token.
	AuthOff Auth = "off"
)

// UnmarshalText accepts token and off in any case.
func (a *Auth) UnmarshalText(text []byte) error {
	return oneOf(a, text, AuthToken, AuthOff)
}

// LogFormat is how log lines are written.
type LogFormat string

// The values of LOG_FORMAT.
const (
	// LogAuto is coloured text on a terminal and JSON otherwise.
	LogAuto LogFormat = "auto"
	// LogText is one readable line per record.
	LogText LogFormat = "text"
	// LogJSON is one JSON object per line.
	LogJSON LogFormat = "json"
)

// UnmarshalText accepts auto, text and json in any case.
func (f *LogFormat) UnmarshalText(text []byte) error {
	return oneOf(f, text, LogAuto, LogText, LogJSON)
}

func oneOf[T ~string](dst *T, text []byte, words ...T) error {
	for _, word := range words {
		if strings.EqualFold(string(text), string(word)) {
			*dst = word
			return nil
		}
	}
	return &problem{what: "not one of the accepted words"}
}

// Size is a number of bytes.
type Size int64

var sizes = regexp.MustCompile(`^([0-9]+) ?(?i:(B|KiB|MiB|GiB)?)$`)

// UnmarshalText accepts a whole number of bytes (4096) or of B, KiB, MiB or GiB (256KiB), in any case. It refuses KB
// and other units of 1,000, which are often used for 1,024.
func (s *Size) UnmarshalText(text []byte) error {
	parts := sizes.FindStringSubmatch(string(text))
	if parts == nil {
		return &problem{what: "not a size in B, KiB, MiB or GiB"}
	}
	n, err := strconv.ParseInt(parts[1], 10, 64)
	shift := map[string]uint{"KIB": 10, "MIB": 20, "GIB": 30}[strings.ToUpper(parts[2])]
	if err != nil || n > math.MaxInt64>>shift {
		return &problem{what: "a size out of range"}
	}
	*s = Size(n << shift)
	return nil
}

// String returns the size in the largest unit that gives a whole number, as UnmarshalText reads it.
func (s Size) String() string {
	for _, unit := range []struct {
		shift uint
		name  string
	}{{30, "GiB"}, {20, "MiB"}, {10, "KiB"}} {
		if s != 0 && s%(1<<unit.shift) == 0 {
			return strconv.FormatInt(int64(s>>unit.shift), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

var days = regexp.MustCompile(`^([0-9]+)d(.*)$`)

// ParseDuration reads a duration as time.ParseDuration does, optionally with days of 24 hours in front: 30d, 1d12h.
func ParseDuration(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	var whole time.Duration
	rest := text
	if parts := days.FindStringSubmatch(text); parts != nil {
		n, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || n > int64(math.MaxInt64/day) {
			return 0, &problem{what: "a duration out of range"}
		}
		whole, rest = time.Duration(n)*day, parts[2]
		if rest == "" {
			return whole, nil
		}
		if strings.ContainsAny(rest[:1], "+-") {
			return 0, &problem{what: "not a duration"}
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		if _, number := strconv.ParseFloat(text, 64); number == nil {
			return 0, &problem{what: "a duration without a unit (ms, s, m, h or d)"}
		}
		return 0, &problem{what: "not a duration"}
	}
	if whole > math.MaxInt64-max(d, 0) {
		return 0, &problem{what: "a duration out of range"}
	}
	return whole + d, nil
}

// zone loads a zone by its name in the IANA database.
func zone(name string) (time.Location, error) {
	if strings.EqualFold(name, "Local") {
		return time.Location{}, &problem{what: "a different zone on every machine, where a slot must be the same instant on all"}
	}
	loc, err := schedule.LoadLocation(name)
	if err != nil {
		return time.Location{}, &problem{what: "not a time zone of the IANA database"}
	}
	return *loc, nil
}

// Executor says which process executes claimed runs.
type Executor string

// UnmarshalText accepts local, river and asynq in any case.
func (e *Executor) UnmarshalText(text []byte) error {
	return oneOf(e, text, ExecutorLocal, ExecutorRiver, ExecutorAsynq)
}

// The values of CRON_EXECUTOR.
const (
	// ExecutorLocal executes runs in the process that claimed them.
	ExecutorLocal Executor = "local"
	// ExecutorRiver executes runs in any process that works River's queue in Postgres.
	ExecutorRiver Executor = "river"
	// ExecutorAsynq executes runs in any process that works asynq's queue in Redis.
	ExecutorAsynq Executor = "asynq"
)

// Role is what a process does when the executor is a queue.
type Role string

// The values of CRON_ROLE.
const (
	// RoleAll fills the queue and works it.
	RoleAll Role = "all"
	// RoleScheduler claims slots and fills the queue.
	RoleScheduler Role = "scheduler"
	// RoleWorker works the queue.
	RoleWorker Role = "worker"
)

// UnmarshalText accepts all, scheduler and worker in any case.
func (r *Role) UnmarshalText(text []byte) error {
	return oneOf(r, text, RoleAll, RoleScheduler, RoleWorker)
}

// TZData says which time-zone data is used to compute slots.
type TZData string

// The values of CRON_TZDATA.
const (
	// TZEmbedded is the build's data, the same on every machine.
	TZEmbedded TZData = "embedded"
	// TZHost is the machine's data, or the build's for zones that the machine lacks.
	TZHost TZData = "host"
)

// UnmarshalText accepts embedded and host in any case.
func (z *TZData) UnmarshalText(text []byte) error { return oneOf(z, text, TZEmbedded, TZHost) }
