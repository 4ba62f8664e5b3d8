package trace_test

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace/noop"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.Cleanup(func(status int) {
			http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			otel.SetTracerProvider(noop.NewTracerProvider())
			os.Exit(status)
		}),
		// These outlive their server and their database by design, or by neglect, of others.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		// What the exporter leaves behind for a while when a collector is dead and Close waits no longer.
		goleak.IgnoreAnyFunction("go.opentelemetry.io/otel/sdk/trace.(*batchSpanProcessor).Shutdown.func1.1"),
		goleak.IgnoreAnyFunction("go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp.(*client).contextWithStop.func1"),
		goleak.IgnoreAnyFunction("go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp.(*client).UploadTraces"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
	)
}

// collector receives spans as a collector does.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []span
	headers  http.Header // of the last delivery
	path     string
	resource map[string]string
}

type span struct {
	*otlp.Span
	attrs map[string]string
}

func collect1(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got collect.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &got)
		}
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.headers, c.path = r.Header, r.URL.Path
		for _, res := range got.GetResourceSpans() {
			c.resource = map[string]string{}
			for _, kv := range res.GetResource().GetAttributes() {
				c.resource[kv.GetKey()] = kv.GetValue().GetStringValue()
			}
			for _, scope := range res.GetScopeSpans() {
				for _, s := range scope.GetSpans() {
					attrs := map[string]string{}
					for _, kv := range s.GetAttributes() {
						if attrs[kv.GetKey()] = kv.GetValue().GetStringValue(); attrs[kv.GetKey()] == "" {
							attrs[kv.GetKey()] = strings.TrimPrefix(strings.ReplaceAll(kv.GetValue().String(), " ", ""), "int_value:")
						}
					}
					c.spans = append(c.spans, span{s, attrs})
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// named returns the spans of a name, in the order of their starts.
func (c *collector) named(name string) (list []span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.GetName() == name {
			list = append(list, s)
		}
	}
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j].GetStartTimeUnixNano() < list[j-1].GetStartTimeUnixNano(); j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
	return list
}

func (c *collector) one(t *testing.T, name string) span {
	t.Helper()
	list := c.named(name)
	if len(list) != 1 {
		t.Fatalf("there are %d spans %q among %q", len(list), name, c.names())
	}
	return list[0]
}

func (c *collector) names() (list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		list = append(list, s.GetName())
	}
	return list
}

func (s span) trace() string { return hex.EncodeToString(s.GetTraceId()) }

// isChild fails the test when s is not below parent.
func (s span) isChild(t *testing.T, parent span) {
	t.Helper()
	if !bytes.Equal(s.GetParentSpanId(), parent.GetSpanId()) || !bytes.Equal(s.GetTraceId(), parent.GetTraceId()) {
		t.Errorf("%q is not a child of %q", s.GetName(), parent.GetName())
	}
}

// has fails the test when an attribute is another: name, value, name, value.
func (s span) has(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := s.attrs[pairs[i]]; got != pairs[i+1] {
			t.Errorf("%q: %s is %q, not %q", s.GetName(), pairs[i], got, pairs[i+1])
		}
	}
}

func (s span) linksTo(t *testing.T, other span) {
	t.Helper()
	for _, l := range s.GetLinks() {
		if bytes.Equal(l.GetSpanId(), other.GetSpanId()) && bytes.Equal(l.GetTraceId(), other.GetTraceId()) {
			return
		}
	}
	t.Errorf("%q has %d links, and none to %q", s.GetName(), len(s.GetLinks()), other.GetName())
}

func (s span) failed() bool { return s.GetStatus().GetCode() == otlp.Status_STATUS_CODE_ERROR }
