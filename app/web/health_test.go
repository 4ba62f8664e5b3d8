package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/ops"
	"fibercrons/app/scheduler"
	"fibercrons/app/web"
)

// A replica with a database of its own cannot run a slot while Redis is away.
func TestNotReadyWithoutRedis(t *testing.T) {
	p := start(t, func(set *setup) { set.env["REDIS_URL"], set.asleep = "redis://:hunter2@127.0.0.1:1", true })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.app.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	p.eventually(func() bool {
		err := p.app.Crons.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "redis")
	})
	a := p.do("GET", "/readyz", "").want(t, 503)
	if strings.Contains(a.body, "redis") || !strings.Contains(p.log.String(), "slots wait") || strings.Contains(p.log.String(), "hunter2") {
		t.Errorf("%s\n%s", a.body, p.log)
	}
}

// closed is a gate that is away.
type closed struct{}

func (closed) Admit(context.Context, []contract.SlotRequest) ([]bool, error) {
	return nil, errors.New("connection refused")
}

func (closed) Err() error { return errors.New("connection refused") }

// With a shared database everything goes on without it.
func TestDegradedWithoutRedis(t *testing.T) {
	p := start(t, nil)
	other := *p.app
	other.Crons = ops.New(scheduler.Config{Store: p.app.Store, Peers: contract.Peers{Gate: closed{}}, Disabled: true})
	req, err := http.NewRequest(http.MethodGet, "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost"
	resp, err := web.New(&other, web.Limits{}, web.All).Web().Test(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"degraded"`) {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if err := other.Crons.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
