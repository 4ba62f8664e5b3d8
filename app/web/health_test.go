package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
	_ "fibercrons/app/redis"
	"fibercrons/app/scheduler"
)

// A replica with a database of its own cannot run a slot while Redis is away.
func TestNotReadyWithoutRedis(t *testing.T) {
	p := webtest.Start(t, func(set *webtest.Setup) { set.Env["REDIS_URL"], set.Asleep = "redis://:hunter2@127.0.0.1:1", true })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.App.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	p.Eventually(func() bool {
		err := p.App.Crons.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "redis")
	})
	a := p.Do("GET", "/readyz", "").Want(t, 503)
	if strings.Contains(a.Body, "redis") || !strings.Contains(p.Log.String(), "slots wait") || strings.Contains(p.Log.String(), "hunter2") {
		t.Errorf("%s\n%s", a.Body, p.Log)
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
	p := webtest.Start(t, nil)
	other := *p.App
	other.Crons = ops.New(scheduler.Config{Store: p.App.Store, Peers: contract.Peers{Gate: closed{}}, Disabled: true})
	req, err := http.NewRequest(http.MethodGet, "/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "localhost"
	resp, err := webtest.Fiber(&other).Test(req)
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
