package trace

import (
	"context"
	"os"

	"fibercrons/app/part"
)

func init() {
	part.Tracers.Register("otel", func(ctx context.Context, s part.Setup) part.Tracer {
		t := Open(ctx, Options{
			Get:     func(name string) string { return s.Config.OTel[name].Reveal() },
			Service: s.Program, Version: s.Version, Log: s.Log, Console: os.Stdout, Proxy: s.Proxy,
		})
		if t == nil {
			return part.Untraced
		}
		return t
	})
}
