package background_test

import (
	"context"
	"sync/atomic"
	"testing"

	"fibercrons/app/internal/background"
)

func TestCloseEndsAndWaits(t *testing.T) {
	g := background.New()
	var ended atomic.Int64
	for range 10 {
		if !g.Go(func(ctx context.Context) { <-ctx.Done(); ended.Add(1) }) {
			t.Error("refused")
		}
	}
	g.Close()
	if ended.Load() != 10 {
		t.Errorf("%d of 10 have ended", ended.Load())
	}
	if g.Go(func(context.Context) { t.Error("after Close") }) {
		t.Error("accepted after Close")
	}
	g.Close()
}
