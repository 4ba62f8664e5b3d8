//go:build unix

package store_test

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
	"github.com/rs/zerolog"

	"fibercrons/app/internal/testdb"
)

// toxicWire is the network between one replica and the server, with toxiproxy in it.
type toxicWire struct {
	*toxiproxy.Proxy
	t      *testing.T
	number int
	abrupt bool // connections end by a reset, not in order

	lostAt   atomic.Int64 // a commit has passed whose answer is not to come through; in ns
	vanished atomic.Int64 // connections from before let nothing through any more; in ns
}

var (
	wires     sync.Map // *toxicWire by number, for the toxics
	wireCount atomic.Int64
)

func init() {
	toxics.Register("lost_answer", new(lostAnswer))
	toxics.Register("vanished", new(vanished))
}

// newToxicWire returns a wire to the server of a URL, and the URL by which the server is reached through it.
func newToxicWire(t *testing.T, of string, abrupt bool) (*toxicWire, string) {
	t.Helper()
	var to string
	w := &toxicWire{t: t, number: int(wireCount.Add(1)), abrupt: abrupt}
	testdb.Altered(t, of, func(u *url.URL) { to = u.Host })
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	w.Proxy = toxiproxy.NewProxy(server, fmt.Sprint("wire-", w.number), "127.0.0.1:0", to)
	wires.Store(w.number, w)
	w.connect()
	t.Cleanup(func() { w.Stop(); wires.Delete(w.number) })
	w.add("vanished", "", 1)
	if abrupt { // toxiproxy has a connection end by a reset when the toxic was there as it began
		w.add("reset_peer", `"timeout": 0`, 0)
	}
	return w, testdb.Altered(t, of, func(u *url.URL) { u.Host = w.Listen })
}

var bothWays = []string{"upstream", "downstream"}

// add adds a toxic both ways.
func (w *toxicWire) add(kind, attributes string, toxicity float32) {
	w.t.Helper()
	if attributes != "" {
		attributes += ", "
	}
	for _, way := range bothWays {
		spec := fmt.Sprintf(`{"type": %q, "name": %q, "stream": %q, "toxicity": %v, "attributes": {%s"wire": %d, "way": %q}}`,
			kind, kind+" "+way, way, toxicity, attributes, w.number, way)
		if _, err := w.Toxics.AddToxicJson(strings.NewReader(spec)); err != nil {
			w.t.Errorf("add %s: %v", kind, err)
		}
	}
}

func (w *toxicWire) remove(kind string) {
	w.t.Helper()
	for _, way := range bothWays {
		if err := w.Toxics.RemoveToxic(context.Background(), kind+" "+way); err != nil {
			w.t.Errorf("remove %s: %v", kind, err)
		}
	}
}

// connect lets connections through again.
func (w *toxicWire) connect() {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := w.Start()
		if err == nil {
			return
		}
		if time.Now().After(deadline) { // the port may be another's for a moment
			w.t.Errorf("connect: %v", err)
			return
		}
	}
}

// reset breaks every connection as soon as something is said on it.
func (w *toxicWire) reset(length time.Duration) {
	if !w.abrupt {
		w.add("reset_peer", `"timeout": 0`, 1)
		time.Sleep(length)
		w.remove("reset_peer")
		return
	}
	for _, toxicity := range []string{"1", "0"} {
		for _, way := range bothWays {
			if _, err := w.Toxics.UpdateToxicJson("reset_peer "+way, strings.NewReader(`{"toxicity": `+toxicity+`}`)); err != nil {
				w.t.Errorf("reset: %v", err)
			}
		}
		if toxicity == "1" {
			time.Sleep(length)
		}
	}
}

// loseAnswer has the next commit go through and every answer from then on be lost, with its connection.
// It says whether there was a commit.
func (w *toxicWire) loseAnswer(most, length time.Duration) bool {
	w.lostAt.Store(0)
	w.add("lost_answer", "", 1)
	for deadline := time.Now().Add(most); w.lostAt.Load() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(length)
	lost := w.lostAt.Load() != 0
	w.remove("lost_answer")
	return lost
}

// vanish has the connections there are let nothing through ever again, as when the machine at the other
// end has lost its power: no one is told. New ones are well.
func (w *toxicWire) vanish() { w.vanished.Store(time.Now().UnixNano()) }

// lostAnswer is a toxic; see loseAnswer.
type lostAnswer struct {
	Wire int    `json:"wire"`
	Way  string `json:"way"`
}

// Pipe implements [toxics.Toxic].
func (l *lostAnswer) Pipe(stub *toxics.ToxicStub) {
	of, _ := wires.Load(l.Wire)
	w := of.(*toxicWire)
	for {
		select {
		case <-stub.Interrupt:
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			switch {
			case l.Way == "upstream" && bytes.Contains(bytes.ToLower(c.Data), []byte("commit")) && !bytes.Contains(c.Data, []byte("committed")):
				w.lostAt.CompareAndSwap(0, time.Now().UnixNano())
			case l.Way == "downstream" && w.lostAt.Load() != 0:
				stub.Close()
				return
			}
			stub.Output <- c
		}
	}
}

// vanished is a toxic; see vanish.
type vanished struct {
	Wire int `json:"wire"`
}

// NewState implements [toxics.StatefulToxic].
func (*vanished) NewState() any { return time.Now().UnixNano() }

// Pipe implements [toxics.Toxic].
func (v *vanished) Pipe(stub *toxics.ToxicStub) {
	of, _ := wires.Load(v.Wire)
	w := of.(*toxicWire)
	for {
		var c *stream.StreamChunk
		select {
		case <-stub.Interrupt:
			return
		case c = <-stub.Input:
		}
		if c == nil {
			stub.Close()
			return
		}
		if stub.State.(int64) > w.vanished.Load() {
			stub.Output <- c
		}
	}
}
