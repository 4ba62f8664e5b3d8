package metrics

import (
	"bytes"
	"net/http"
	"sync"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Families are metrics as gathered by Prometheus' client.
type Families = []*dto.MetricFamily

// keepFor is how long a response is cached.
const keepFor = time.Second

// answers makes and caches the responses. It holds its lock meanwhile, because concurrent scrapes want the same
// response.
type answers struct {
	gather func() (Families, error)

	mu       sync.Mutex
	families Families
	gathered time.Time
	encoded  map[expfmt.Format][]byte
	sizes    map[expfmt.Format]int // sizes of the last responses, to allocate the next
}

// answer returns the metrics in a format. If a part fails, it returns the others.
func (a *answers) answer(format expfmt.Format) ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if time.Since(a.gathered).Abs() >= keepFor {
		families, err := a.gather()
		if len(families) == 0 {
			return nil, err
		}
		a.families, a.gathered, a.encoded = families, time.Now(), make(map[expfmt.Format][]byte)
	}
	if text, ok := a.encoded[format]; ok {
		return text, nil
	}
	b := bytes.NewBuffer(make([]byte, 0, a.sizes[format]*17/16))
	enc := expfmt.NewEncoder(b, format)
	for _, f := range a.families {
		if err := enc.Encode(f); err != nil {
			return nil, err
		}
	}
	if c, ok := enc.(expfmt.Closer); ok {
		if err := c.Close(); err != nil {
			return nil, err
		}
	}
	if a.sizes == nil {
		a.sizes = make(map[expfmt.Format]int)
	}
	a.encoded[format], a.sizes[format] = b.Bytes(), b.Len()
	return b.Bytes(), nil
}

// Handler answers scrapes in the requested format. It does not compress, which would take longer than everything else.
func (m *Metrics) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...)
		text, err := m.answers.answer(format)
		if err != nil {
			http.Error(w, "metrics are unavailable", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", string(format))
		_, _ = w.Write(text) // the scraper may have gone
	})
}
