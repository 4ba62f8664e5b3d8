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

// settings read OpenTelemetry's variables, and collect what is wrong with them.
type settings struct {
	get   func(name string) string
	wrong []string
}

// text is the value of the first of the names that is set. The names of signals go before the general ones.
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

// exporter is where spans go: "otlp", "console", or "" for nowhere.
func (s *settings) exporter() string {
	if v, name := s.text("OTEL_SDK_DISABLED"); strings.EqualFold(v, "true") {
		return ""
	} else if v != "" && !strings.EqualFold(v, "false") {
		s.complain(name, "neither true nor false; it counts as false")
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
	s.complain(name, "%q is not an exporter this program has; there are no traces; set it to otlp, console or none", value)
	return ""
}

// endpoint is the URL that spans are posted to. The general variable is a base, that of traces is taken as it is.
func (s *settings) endpoint() (string, bool) {
	if v, name := s.text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); v != "" && v != "http/protobuf" {
		s.complain(name, "%q is not a protocol this program speaks; http/protobuf is used, whose port is 4318 as a rule", v)
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

// pairs reads name=value,name=value with percent-encoded values. What is wrong is not repeated: it may be a secret.
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
			s.complain(name, "one of its pairs is left out; write them as name=value with commas between, and values percent-encoded")
			continue
		}
		list[k] = v
	}
	return list
}

// millis reads a duration in milliseconds.
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
		s.complain(name, "%q is not a whole number above 0; the default is used", value)
		return 0, false
	}
	return n, true
}

// sampler is the one asked for; all of them decide by the trace ID alone.
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
		s.complain(name, "%q is not a sampler this program has; parentbased_always_on is used", value)
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
		s.complain(name, "%q is not a number from 0 to 1; 1 is used", value)
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

// batch is how spans are gathered.
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
