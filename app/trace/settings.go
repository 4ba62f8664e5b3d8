package trace

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// settings reads OpenTelemetry's variables, and collects warnings about them.
type settings struct {
	get   func(name string) string
	wrong []string
}

// text returns the first non-empty value. Names for traces come before general ones.
func (s *settings) text(names ...string) (value, name string) {
	for _, name := range names {
		if v := strings.TrimSpace(s.get(name)); v != "" {
			return v, name
		}
	}
	return "", ""
}

func (s *settings) complain(name, format string, a ...any) {
	s.wrong = append(s.wrong, name+": "+fmt.Sprintf(format, a...))
}

// exporter returns the exporter for spans: "otlp", "console", or "" for none.
func (s *settings) exporter() string {
	if v, name := s.text("OTEL_SDK_DISABLED"); strings.EqualFold(v, "true") {
		return ""
	} else if v != "" && !strings.EqualFold(v, "false") {
		s.complain(name, "neither true nor false; using false")
	}
	value, name := s.text("OTEL_TRACES_EXPORTER")
	switch strings.ToLower(value) {
	case "none":
		return ""
	case "console", "otlp":
		return strings.ToLower(value)
	case "":
		if endpoint, _ := s.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"); endpoint != "" {
			return "otlp"
		}
		return ""
	}
	s.complain(name, "exporter %q is not supported; there are no traces; set it to otlp, console or none", value)
	return ""
}

// endpoint returns the URL for spans. The general variable is a base URL; that of traces is used unchanged.
func (s *settings) endpoint() (string, bool) {
	if v, name := s.text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); v != "" && v != "http/protobuf" {
		s.complain(name, "protocol %q is not supported; using http/protobuf, usually at port 4318", v)
	}
	value, name := s.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	if value == "" {
		value, name = "http://localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT"
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		s.complain(name, "not a URL such as http://localhost:4318; there are no traces") // it may hold a password
		return "", false
	}
	if name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
		u = u.JoinPath("v1", "traces")
	}
	return u.String(), true
}

// pairs parses name=value,name=value with percent-encoded values. Warnings do not repeat values, which may be secret.
func (s *settings) pairs(names ...string) map[string]string {
	value, name := s.text(names...)
	list := make(map[string]string)
	for part := range strings.SplitSeq(value, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		k, v, ok := strings.Cut(part, "=")
		k = strings.TrimSpace(k)
		v, err := url.PathUnescape(strings.TrimSpace(v))
		if !ok || k == "" || err != nil {
			s.complain(name, "one of its pairs is invalid and ignored; write name=value pairs separated by commas, with values percent-encoded")
			continue
		}
		list[k] = v
	}
	return list
}

// millis parses a duration in milliseconds.
func (s *settings) millis(names ...string) (time.Duration, bool) {
	n, ok := s.number(names...)
	return time.Duration(n) * time.Millisecond, ok
}

func (s *settings) number(names ...string) (int, bool) {
	value, name := s.text(names...)
	if value == "" {
		return 0, false
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 || n > 1<<30 {
		s.complain(name, "%q is not a whole number above 0; using the default", value)
		return 0, false
	}
	return n, true
}

// sampler returns the configured sampler. All of them decide by the trace ID alone.
func (s *settings) sampler() sdk.Sampler {
	value, name := s.text("OTEL_TRACES_SAMPLER")
	root, parentBased := strings.CutPrefix(strings.ToLower(value), "parentbased_")
	var sampler sdk.Sampler
	switch root {
	case "", "always_on":
		sampler, parentBased = sdk.AlwaysSample(), parentBased || root == ""
	case "always_off":
		sampler = sdk.NeverSample()
	case "traceidratio":
		sampler = sdk.TraceIDRatioBased(s.ratio())
	default:
		s.complain(name, "sampler %q is not supported; using parentbased_always_on", value)
		sampler, parentBased = sdk.AlwaysSample(), true
	}
	if parentBased {
		return sdk.ParentBased(sampler)
	}
	return sampler
}

func (s *settings) ratio() float64 {
	value, name := s.text("OTEL_TRACES_SAMPLER_ARG")
	if value == "" {
		return 1
	}
	r, err := strconv.ParseFloat(value, 64)
	if err != nil || r < 0 || r > 1 {
		s.complain(name, "%q is not a number from 0 to 1; using 1", value)
		return 1
	}
	return r
}

// attributes describe the program.
func (s *settings) attributes(service, version string) []attribute.KeyValue {
	list := []attribute.KeyValue{attribute.String("service.name", service), attribute.String("service.version", version)}
	for k, v := range s.pairs("OTEL_RESOURCE_ATTRIBUTES") {
		list = append(list, attribute.String(k, v))
	}
	if name, _ := s.text("OTEL_SERVICE_NAME"); name != "" {
		list = append(list, attribute.String("service.name", name))
	}
	return list
}

// batch returns the limits of batches.
func (s *settings) batch() (list []sdk.BatchSpanProcessorOption) {
	if d, ok := s.millis("OTEL_BSP_SCHEDULE_DELAY"); ok {
		list = append(list, sdk.WithBatchTimeout(d))
	}
	if d, ok := s.millis("OTEL_BSP_EXPORT_TIMEOUT"); ok {
		list = append(list, sdk.WithExportTimeout(d))
	}
	if n, ok := s.number("OTEL_BSP_MAX_QUEUE_SIZE"); ok {
		list = append(list, sdk.WithMaxQueueSize(n))
	}
	if n, ok := s.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"); ok {
		list = append(list, sdk.WithMaxExportBatchSize(n))
	}
	return list
}
