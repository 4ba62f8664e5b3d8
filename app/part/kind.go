package part

import (
	"log/slog"
	"net/http"
	"net/url"
	"sync"

	"fibercrons/app/env"
)

// Kind is where parts that do the same register what makes them. The zero Kind has none.
type Kind[Make any] struct {
	mu    sync.Mutex
	makes map[string]Make
}

// Register says that the part is in this build, and how it is made. Call it in init.
func (k *Kind[Make]) Register(name string, make Make) {
	Register(name)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.makes == nil {
		k.makes = map[string]Make{}
	}
	k.makes[name] = make
}

// Find returns what makes the part, which the variable's value asks for, or [Missing].
func (k *Kind[Make]) Find(variable, name string) (Make, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	found, ok := k.makes[name]
	if !ok {
		return found, Missing(variable, name)
	}
	return found, nil
}

// Setup is what the parts of package app are made from. A part reads its own settings; nothing else is told of them.
type Setup struct {
	Config  env.Config
	Program string                                // the last part of its module's path
	Version string                                // of the program
	Proxy   func(*http.Request) (*url.URL, error) // of outgoing requests; nil: none
	Log     *slog.Logger
}
