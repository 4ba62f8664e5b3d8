package river_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/conformance"
	"fibercrons/app/river"
	"fibercrons/app/store"
	_ "fibercrons/app/store/sqlite"
)

var killFor = flag.Duration("kill.for", 15*time.Second, "how long processes are killed")

// life is what a process is told that is going to be killed.
type life struct {
	Dir, URL string
	Role     contract.Role
}

const lifeVariable = "KILL_LIFE"

// The processes are this test binary, started again with a life to lead.
func init() {
	text := os.Getenv(lifeVariable)
	if text == "" {
		return
	}
	var l life
	err := json.Unmarshal([]byte(text), &l)
	if err == nil {
		err = l.lead()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "fatal error:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (l life) killing(ctx context.Context) (k conformance.Crashes, s *store.Store, err error) {
	s, err = store.Open(ctx, store.Options{URL: "sqlite://" + filepath.Join(l.Dir, "crons.db"), RetryFor: time.Minute})
	if err != nil {
		return k, nil, err
	}
	return conformance.Crashes{Store: s, Tally: &conformance.Tally{File: filepath.Join(l.Dir, "calls")}, For: *killFor}, s, nil
}

func (l life) lead() error {
	k, s, err := l.killing(context.Background())
	if err != nil {
		return err
	}
	e, err := river.Open(context.Background(), river.Options{URL: l.URL, Rescue: 5 * time.Second})
	if err != nil {
		return err
	}
	return errors.Join(k.Lead(os.Stdin, e, l.Role), e.Close(), s.Close())
}

// Processes that share a database file and a queue are killed with SIGKILL.
func TestKill(t *testing.T) {
	l := life{Dir: t.TempDir(), URL: database(t)}
	k, s, err := l.killing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	k.Child = func(role contract.Role) *exec.Cmd {
		l.Role = role
		told, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0], "-test.run=^$") //nolint:gosec // itself
		cmd.Env = append(os.Environ(), lifeVariable+"="+string(told))
		return cmd
	}
	k.Run(t)
}
