package api

import (
	"context"
	"time"

	"fibercrons/app"
	"fibercrons/app/internal/memo"
	"fibercrons/app/web/openapi"
	"fibercrons/app/web/reply"
)

// API is the handlers of an application's API.
type API struct {
	app     *app.App
	lists   *cache
	streams *streams
	spec    *memo.Memo[reply.Document] // by access.Base
	docs    *memo.Memo[[]byte]
}

// New returns the API of a.
func New(a *app.App) *API {
	return &API{
		app:   a,
		lists: newCache(a.Store.Stamp, a.Go),
		streams: &streams{
			subscribe: func(ctx context.Context, after string) (subscription, error) { return a.Feed.Subscribe(ctx, after) },
			limits:    streamLimits{Open: 100, Heartbeat: 15 * time.Second, Write: 30 * time.Second}, log: a.Log,
		},
		spec: memo.New(func(base string) (reply.Document, error) {
			v, err := openapi.JSON(base)
			if err != nil {
				return reply.Document{}, err
			}
			return reply.NewDocument(v)
		}),
		docs: memo.New(openapi.Page),
	}
}

// Changed is called after every request of an operator: whoever changes a job sees the change in the next list.
func (a *API) Changed() { a.lists.changed() }
