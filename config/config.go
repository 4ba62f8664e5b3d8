// Package config holds the settings of the program: those of the template ([env.Config]) and your own ([Local]).
// How variables are read and checked is documented in app/env.
package config

import (
	"context"

	"fibercrons/app/env"
)

// Config holds every setting of the program. [Load] makes it; it does not change afterwards.
type Config struct {
	env.Config
	Local
}

// Load reads the environment and .env. The warnings are one sentence each, for the caller to log. The error is an
// [*env.Error] with every mistake found.
func Load(options ...env.Option) (c Config, warnings []string, err error) {
	if warnings, err = env.Fill(&c, &c.Config, options...); err != nil {
		return Config{}, warnings, err
	}
	return c, warnings, nil
}

// Loader is [Load] as the programs in cmd take it; see [env.Loader].
func Loader(options ...env.Option) (env.Config, func(context.Context) context.Context, []string, error) {
	c, warnings, err := Load(options...)
	return c.Config, c.Context, warnings, err
}

type key struct{}

// Context returns a ctx in which [From] finds c.
func (c Config) Context(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, c) }

// From returns the settings inside a job or a route, your own included. It panics when ctx comes from neither.
func From(ctx context.Context) Config {
	c, ok := ctx.Value(key{}).(Config)
	if !ok {
		panic("config.From: this context is neither a run's nor a request's; pass on the ctx that the job was given")
	}
	return c
}
