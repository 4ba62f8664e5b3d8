package store_test

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// wire is a network between a store and its server that can be cut.
type wire struct {
	net.Listener
	to string

	mu     sync.Mutex
	dead   chan struct{} // closed while everything flows
	conns  []net.Conn
	refuse bool
	wg     sync.WaitGroup
}

// newWire returns the URL by which the server is reached through a wire.
func newWire(t *testing.T, of string) (*wire, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	flows := make(chan struct{})
	close(flows)
	w := &wire{Listener: l, dead: flows}
	through := testdb.Altered(t, of, func(u *url.URL) { w.to, u.Host = u.Host, l.Addr().String() })
	w.wg.Go(w.serve)
	t.Cleanup(func() {
		l.Close()
		w.thaw()
		w.cut()
		w.wg.Wait()
	})
	return w, through
}

func (w *wire) serve() {
	for {
		near, err := w.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", w.to)
		w.mu.Lock()
		if err != nil || w.refuse {
			near.Close()
			if err == nil {
				far.Close()
			}
			w.mu.Unlock()
			continue
		}
		w.conns = append(w.conns, near, far)
		w.mu.Unlock()
		w.wg.Go(func() { w.copy(near, far) })
		w.wg.Go(func() { w.copy(far, near) })
	}
}

func (w *wire) copy(to, from net.Conn) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		flows := w.dead
		w.mu.Unlock()
		<-flows
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// freeze lets nothing through, and nobody knows.
func (w *wire) freeze() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = make(chan struct{})
}

func (w *wire) thaw() {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.dead:
	default:
		close(w.dead)
	}
}

// cut breaks every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// abort breaks every connection by a reset.
func (w *wire) abort() {
	w.mu.Lock()
	for _, c := range w.conns {
		c.(*net.TCPConn).SetLinger(0)
	}
	w.mu.Unlock()
	w.cut()
}

func (w *wire) refusing(yes bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refuse = yes
}

func TestServerConnectionsBreak(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		w, url := newWire(t, k.URL(t))
		s := openURL(t, url)
		claim := func(n int) {
			t.Helper()
			c := claimOf("a", n)
			if got, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil || !got[0].Won {
				t.Fatalf("claim %d: %v, %v", n, got, err)
			}
			// A read may meet a connection that has just broken; it breaks once.
			var err error
			for range 10 {
				if _, err = s.States(t.Context()); err == nil {
					return
				}
			}
			t.Fatal(err)
		}
		claim(1)
		w.cut()
		claim(2)
		w.refusing(true)
		w.cut()
		back := time.AfterFunc(time.Second, func() { w.refusing(false) })
		defer back.Stop()
		claim(3)
	})
}

// A store whose connections have broken closes without an error: nothing is lost by that.
func TestServerCloseAfterConnectionsBroke(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		w, url := newWire(t, k.URL(t))
		s, err := store.Open(t.Context(), store.Options{URL: url, RetryFor: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 1)}); err != nil {
			t.Error(err)
		}
		w.abort()
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
}

// A network that swallows everything does not hold a statement up for ever, and when it is back so is
// the store.
func TestServerNetworkDies(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a dead network to be given up")
	}
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		t.Parallel()
		w, url := newWire(t, k.URL(t))
		s, err := store.Open(t.Context(), store.Options{URL: url, RetryFor: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		c := claimOf("a", 1)
		if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
			t.Fatal(err)
		}
		w.freeze()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := s.Claim(context.Background(), []contract.Claim{claimOf("a", 2)}); err == nil {
				t.Error("claimed over a dead network")
			}
		})
		wg.Go(func() {
			if _, err := s.Runs(context.Background(), contract.Query{}); err == nil {
				t.Error("read over a dead network")
			}
		})
		wg.Wait()
		if took := time.Since(began); took > 5*time.Minute {
			t.Errorf("it took %s to give up", took)
		} else {
			t.Logf("given up after %s", took)
		}
		w.thaw()
		w.cut()
		for deadline := time.Now().Add(time.Minute); ; {
			_, err := s.Claim(t.Context(), []contract.Claim{claimOf("a", 3)})
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
		if _, err := s.Runs(t.Context(), contract.Query{}); err != nil {
			t.Error(err)
		}
	})
}
