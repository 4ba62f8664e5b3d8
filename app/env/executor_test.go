package env_test

import (
	"testing"

	"fibercrons/app/env"
)

func TestExecutor(t *testing.T) {
	c, _, err := load(map[string]string{"CRON_EXECUTOR": "ASYNQ", "CRON_ROLE": "Worker", "REDIS_URL": "redis://:hunter2@redis:6379/3"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Executor != env.ExecutorAsynq || c.Role != env.RoleWorker || c.Redis.Reveal() != "redis://:hunter2@redis:6379/3" {
		t.Errorf("%s, %s", c.Executor, c.Role)
	}
	if _, _, err := load(map[string]string{"CRON_ROLE": "scheduler", "CRON_EXECUTOR": "asynq"}); err == nil {
		t.Error("asynq without Redis is accepted")
	}
}
