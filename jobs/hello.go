package jobs

import (
	"context"
	"log/slog"

	"fibercrons/app/cron"
)

func init() {
	cron.Register("hello", "*/5 * * * *", func(ctx context.Context) error {
		slog.InfoContext(ctx, "hello")
		return nil
	})
}
