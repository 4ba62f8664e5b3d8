package site_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"fibercrons/app/internal/webtest"
	"fibercrons/app/metrics"
)

func TestMetricsCountRequestsByPattern(t *testing.T) {
	p := webtest.Start(t, nil)
	for range 3 {
		p.Read("/crons/hello").Want(t, http.StatusOK)
	}
	p.Read("/crons/nobody").Want(t, http.StatusNotFound)
	for _, path := range []string{"/nowhere", "/wp-login.php", "/crons/hello/to/nowhere"} {
		p.Read(path).Want(t, http.StatusNotFound)
	}
	p.Do(http.MethodPut, "/livez", "").Want(t, http.StatusMethodNotAllowed)
	p.Do(http.MethodPost, "/crons/hello/run", "{}", webtest.JSONBody).Want(t, http.StatusUnauthorized)
	want := `
# HELP http_requests_total Requests answered, by the pattern of their route.
# TYPE http_requests_total counter
http_requests_total{code="200",method="GET",route="/crons/:name"} 3
http_requests_total{code="401",method="POST",route="/crons/:name/run"} 1
http_requests_total{code="404",method="GET",route="/crons/:name"} 1
http_requests_total{code="404",method="GET",route="unmatched"} 3
http_requests_total{code="405",method="PUT",route="unmatched"} 1
`
	if err := testutil.GatherAndCompare(p.App.Metrics.(*metrics.Metrics), strings.NewReader(want), "http_requests_total"); err != nil {
		t.Error(err)
	}
}

// A stream lasts as long as its reader wants: that is no duration of ours.
func TestMetricsLeaveOutHowLongStreamsLast(t *testing.T) {
	p := webtest.Start(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/crons/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+webtest.ViewerToken)
	stream, err := webtest.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	stream.Body.Close()
	p.Read("/crons").Want(t, http.StatusOK)
	text := p.Read("/metrics").Want(t, http.StatusOK).Body
	if !strings.Contains(text, `http_requests_total{code="200",method="GET",route="/crons/events"} 1`) {
		t.Error("the stream is not counted")
	}
	if strings.Contains(text, `http_request_duration_seconds_count{method="GET",route="/crons/events"}`) {
		t.Error("the stream has a duration")
	}
	if !strings.Contains(text, `http_request_duration_seconds_count{method="GET",route="/crons"} 1`) {
		t.Error("the list has no duration")
	}
}

func TestMetricsAreForReaders(t *testing.T) {
	p := webtest.Start(t, func(s *webtest.Setup) { s.Env["HOST"] = "0.0.0.0" })
	p.Do(http.MethodGet, "/metrics", "").Want(t, http.StatusUnauthorized)
	p.Do(http.MethodGet, "/metrics", "", "Authorization: Bearer "+webtest.ViewerToken).Want(t, http.StatusOK)
	p.Do(http.MethodGet, "/metrics?x=1", "", "Authorization: Bearer "+webtest.ViewerToken).Want(t, http.StatusBadRequest)
}

func TestMetricsPassPromtool(t *testing.T) {
	promtool := os.Getenv("TEST_PROMTOOL")
	if promtool == "" {
		t.Skip("TEST_PROMTOOL is not set; it names promtool, from Debian's package prometheus")
	}
	p := webtest.Start(t, nil)
	p.Write("/crons/hello/run?wait=4m", "{}").Want(t, http.StatusOK)
	text := p.Read("/metrics").Want(t, http.StatusOK).Body
	if !strings.Contains(text, `cron_runs_total{cause="",job_name="hello",outcome="succeeded"} 1`) {
		t.Errorf("the run is not counted in\n%s", text)
	}
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}
