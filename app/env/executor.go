package env

import "regexp"

// queueName is a valid prefix of a queue's keys in Redis.
var queueName = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,100}$`)

// Executor says which process executes claimed runs.
type Executor string

// The values of CRON_EXECUTOR.
const (
	// ExecutorLocal executes runs in the process that claimed them.
	ExecutorLocal Executor = "local"
	// ExecutorRiver executes runs in any process that works River's queue in Postgres.
	ExecutorRiver Executor = "river"
	// ExecutorAsynq executes runs in any process that works asynq's queue in Redis.
	ExecutorAsynq Executor = "asynq"
)

// UnmarshalText accepts local, river and asynq in any case.
func (e *Executor) UnmarshalText(text []byte) error {
	return oneOf(e, text, ExecutorLocal, ExecutorRiver, ExecutorAsynq)
}

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

// executor checks that a queue has its database, and that a role has a queue.
func (k *checker) executor(c *Config) {
	k.refuse(!queueName.MatchString(c.RedisPrefix), "REDIS_PREFIX", "not a prefix of keys", "")
	if !k.good("CRON_EXECUTOR") {
		return
	}
	if k.good("DATABASE_URL") {
		k.refuse(c.Executor == ExecutorRiver && c.Database.Driver != "postgres", "CRON_EXECUTOR", "needs Postgres, but DATABASE_URL names another database",
			"set DATABASE_URL to postgres://user:password@host/name, or use asynq, which needs REDIS_URL")
	}
	k.refuse(c.Executor == ExecutorAsynq && !c.Redis.IsSet(), "CRON_EXECUTOR", "needs Redis, but REDIS_URL is not set",
		"set REDIS_URL to redis://host:6379, or use river, which needs DATABASE_URL to be postgres://")
	if k.good("CRON_ROLE") {
		k.refuse(c.Executor == ExecutorLocal && c.Role != RoleAll, "CRON_ROLE", "needs a queue, but CRON_EXECUTOR is local",
			"set CRON_EXECUTOR to river or asynq, or remove CRON_ROLE")
	}
}
