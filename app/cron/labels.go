package cron

import "context"

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
