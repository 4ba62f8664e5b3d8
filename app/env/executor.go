package env

// executor checks that a queue has its database, and that a role has a queue.
func (k *checker) executor(c *Config) {
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
