package cron

import (
	"context"
	"slices"
)

// Func is the body of a job. It is called once per attempt. A nil error is success. The context ends on timeout,
// cancellation and shutdown; the scheduler waits for a Func that ignores it.
type Func func(ctx context.Context) error

// Middleware wraps a Func. Of several, the first listed is the outermost.
type Middleware func(next Func) Func

// Chain combines wrappers into one. The first is the outermost; nil wrappers are ignored.
func Chain(middleware ...Middleware) Middleware {
	return func(next Func) Func {
		for _, m := range slices.Backward(middleware) {
			if m != nil {
				next = m(next)
			}
		}
		return next
	}
}

type labelsKey struct{}

type labelSet struct {
	tags     []string
	metadata map[string]string
}

// labels puts the job's tags and metadata into the context.
func labels(tags []string, metadata map[string]string) Middleware {
	if len(tags) == 0 && len(metadata) == 0 {
		return nil
	}
	set := &labelSet{tags: tags, metadata: metadata}
	return func(next Func) Func {
		return func(ctx context.Context) error {
			return next(context.WithValue(ctx, labelsKey{}, set))
		}
	}
}

// TagsFrom returns the tags of the job that runs in ctx. Do not change the slice.
func TagsFrom(ctx context.Context) []string {
	if set, ok := ctx.Value(labelsKey{}).(*labelSet); ok {
		return set.tags
	}
	return nil
}

// MetaFrom returns the value of a metadata key of the job that runs in ctx, or "".
func MetaFrom(ctx context.Context, key string) string {
	if set, ok := ctx.Value(labelsKey{}).(*labelSet); ok {
		return set.metadata[key]
	}
	return ""
}
