package trace

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	otel "go.opentelemetry.io/otel/trace"
)

// idsOf returns the IDs of a run's trace and span; see the package comment.
func idsOf(run string) (trace otel.TraceID, span otel.SpanID) {
	sum := sha256.Sum256([]byte(run))
	copy(trace[:], sum[:16])
	copy(span[:], sum[16:24])
	return trace, span
}

type wantedKey struct{}

type wanted struct {
	trace otel.TraceID
	span  otel.SpanID
}

// ids generates random IDs unless the context requests certain ones.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	if w, ok := ctx.Value(wantedKey{}).(wanted); ok {
		return w.trace, w.span
	}
	var id otel.TraceID
	binary.BigEndian.PutUint64(id[:8], some())
	binary.BigEndian.PutUint64(id[8:], some())
	return id, ids{}.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(context.Context, otel.TraceID) (id otel.SpanID) {
	binary.BigEndian.PutUint64(id[:], some())
	return id
}

// some returns a random number other than 0, which is not a valid ID.
func some() uint64 {
	for {
		if n := rand.Uint64(); n != 0 {
			return n
		}
	}
}
