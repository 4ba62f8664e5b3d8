package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/metrics"
)

// stub answers as a scheduler would.
type stub struct {
	mu     sync.Mutex
	pulse  contract.Stats
	states map[string]contract.State
	err    error
	pulses int
}

func (s *stub) Stats() contract.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pulses++
	return s.pulse
}

func (s *stub) States(context.Context) (map[string]contract.State, error) { return s.states, s.err }

func queue() int { return 7 }

// ended is the end of a run.
func ended(job string, status cron.Status, change func(*cron.Record)) contract.Event {
	rec := cron.Record{Job: job, Status: status, Trigger: cron.BySchedule}
	if change != nil {
		change(&rec)
	}
	return contract.Event{Kind: contract.RunEnded, Job: job, Record: rec}
}

func compare(t *testing.T, m *metrics.Metrics, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(m, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestRunsByJobOutcomeAndCause(t *testing.T) {
	m := metrics.New(metrics.Options{Jobs: []string{"a", "b"}})
	took := int64(1500)
	m.Observe(ended("a", cron.Succeeded, func(r *cron.Record) { r.Duration = &took }))
	m.Observe(ended("a", cron.Failed, func(r *cron.Record) { r.Error = "out of paper" }))
	m.Observe(ended("a", cron.Failed, func(r *cron.Record) { r.Error, r.Stack = "panic at x", "goroutine 1" }))
	m.Observe(ended("a", cron.Failed, func(r *cron.Record) { r.Error = (&cron.TimeoutError{After: time.Second}).Error() }))
	m.Observe(ended("b", cron.Skipped, func(r *cron.Record) { r.Reason = cron.ReasonOverlap }))
	m.Observe(ended("b", cron.Skipped, func(r *cron.Record) { r.Reason = cron.ReasonSuperseded }))
	m.Observe(ended("b", cron.Succeeded, func(r *cron.Record) { r.Trigger = cron.ByCatchUp }))
	m.Observe(ended("b", cron.Cancelled, func(r *cron.Record) { r.Reason = "unheard_of" }))
	m.Observe(ended("gone", cron.Interrupted, func(r *cron.Record) { r.Reason = cron.ReasonCrash }))
	now := time.Now()
	m.Observe(ended("a", cron.Queued, func(r *cron.Record) {
		r.NextAt, r.Attempts = &now, []cron.Attempt{{Number: 1, EndedAt: &now, Error: "out of paper"}}
	}))
	m.Observe(contract.Event{Kind: contract.RunProgress, Job: "a"})
	m.Observe(contract.Event{Kind: contract.RunOverdue, Job: "a"})
	m.Observe(contract.Event{Kind: contract.JobWasPaused, Job: "a"})
	compare(t, m, `
# HELP cron_runs_total Runs that ended, and slots that were skipped, by outcome and cause: the reason, or for a failure error, panic or timeout.
# TYPE cron_runs_total counter
cron_runs_total{cause="",job_name="a",outcome="succeeded"} 1
cron_runs_total{cause="",job_name="b",outcome="succeeded"} 1
cron_runs_total{cause="crash",job_name="_other",outcome="interrupted"} 1
cron_runs_total{cause="error",job_name="a",outcome="failed"} 1
cron_runs_total{cause="error",job_name="b",outcome="failed"} 0
cron_runs_total{cause="other",job_name="b",outcome="cancelled"} 1
cron_runs_total{cause="overlap",job_name="b",outcome="skipped"} 1
cron_runs_total{cause="panic",job_name="a",outcome="failed"} 1
cron_runs_total{cause="superseded",job_name="b",outcome="skipped"} 1
cron_runs_total{cause="timeout",job_name="a",outcome="failed"} 1
# HELP cron_retries_total Failed attempts that will be retried.
# TYPE cron_retries_total counter
cron_retries_total{job_name="a"} 1
cron_retries_total{job_name="b"} 0
# HELP cron_runs_unheeding_total Attempts whose function was still running 5 seconds after its context had ended by timeout or cancellation.
# TYPE cron_runs_unheeding_total counter
cron_runs_unheeding_total{job_name="a"} 1
cron_runs_unheeding_total{job_name="b"} 0
# HELP cron_skipped_total Slots and runs that were skipped, by reason.
# TYPE cron_skipped_total counter
cron_skipped_total{reason="late"} 0
cron_skipped_total{reason="missed"} 0
cron_skipped_total{reason="overlap"} 1
cron_skipped_total{reason="paused"} 0
cron_skipped_total{reason="queue_full"} 0
cron_skipped_total{reason="superseded"} 1
# HELP cron_catch_up_total Outcomes of missed slots: run late, superseded by a later slot, or missed.
# TYPE cron_catch_up_total counter
cron_catch_up_total{result="missed"} 0
cron_catch_up_total{result="run"} 1
cron_catch_up_total{result="superseded"} 1
`, "cron_runs_total", "cron_retries_total", "cron_runs_unheeding_total", "cron_skipped_total", "cron_catch_up_total")
	if h := histogramOf(t, m, "cron_run_duration_seconds", "a"); h.GetSampleCount() != 1 || h.GetSampleSum() != 1.5 {
		t.Errorf("the duration is %v", h)
	}
}

func TestLatenessIsThatOfFirstStartsOnSchedule(t *testing.T) {
	m := metrics.New(metrics.Options{Jobs: []string{"a"}})
	slot := time.Now()
	start := slot.Add(250 * time.Millisecond)
	first := cron.Record{Trigger: cron.BySchedule, Slot: &slot, StartedAt: &start, Attempt: 1}
	again, caught, hand := first, first, first
	again.Attempt = 2
	caught.Trigger = cron.ByCatchUp
	hand.Slot = nil
	for _, rec := range []cron.Record{first, again, caught, hand} {
		m.Observe(contract.Event{Kind: contract.RunStarted, Job: "a", Record: rec})
	}
	if h := histogramOf(t, m, "cron_start_lateness_seconds", "a"); h.GetSampleCount() != 1 || h.GetSampleSum() != 0.25 {
		t.Errorf("the lateness is %v", h)
	}
}

// Histograms have buckets from a millisecond to an hour for those who keep classic ones, and native
// ones for the others.
func TestHistogramsAreClassicAndNative(t *testing.T) {
	m := metrics.New(metrics.Options{Jobs: []string{"a"}})
	took := int64(40)
	m.Observe(ended("a", cron.Succeeded, func(r *cron.Record) { r.Duration = &took }))
	h := histogramOf(t, m, "cron_run_duration_seconds", "a")
	b := h.GetBucket()
	if len(b) == 0 || b[0].GetUpperBound() != 0.001 || b[len(b)-1].GetUpperBound() != 3600 {
		t.Errorf("classic buckets: %v", b)
	}
	if h.Schema == nil || len(h.GetPositiveSpan()) == 0 {
		t.Errorf("there are no native buckets: %v", h)
	}
}

func TestJobsBeyondTheCapShareALabel(t *testing.T) {
	var names []string
	source := &stub{states: map[string]contract.State{}}
	now := time.Now()
	for i := range 20 {
		name := fmt.Sprintf("job-%02d", i)
		names = append(names, name)
		source.states[name] = contract.State{Name: name, LastSuccess: now.Add(-time.Duration(i) * time.Hour), LastStatus: cron.Succeeded}
		source.pulse.Jobs = append(source.pulse.Jobs, contract.JobStats{Name: name, Enabled: true, Next: now.Add(time.Duration(30-i) * time.Hour), Gap: time.Hour})
	}
	m := metrics.New(metrics.Options{Jobs: names, MaxJobs: 5, MaxHistograms: 2})
	m.Watch(source, queue)
	took := int64(1)
	for _, name := range names {
		m.Observe(ended(name, cron.Succeeded, func(r *cron.Record) { r.Duration = &took }))
	}
	for i := range 100 { // runs of jobs that this program never had
		m.Observe(ended(fmt.Sprintf("removed-%d", i), cron.Interrupted, func(r *cron.Record) { r.Reason = cron.ReasonCrash }))
	}
	labels := func(name string) map[string]float64 {
		all := map[string]float64{}
		for _, metric := range family(t, m, name).GetMetric() {
			job := label(metric, "job_name")
			switch {
			case metric.Counter != nil && label(metric, "outcome") == "succeeded":
				all[job] = metric.GetCounter().GetValue()
			case metric.Gauge != nil:
				all[job] = metric.GetGauge().GetValue()
			case metric.Histogram != nil:
				all[job] = float64(metric.GetHistogram().GetSampleCount())
			}
		}
		return all
	}
	if runs := labels("cron_runs_total"); len(runs) != 6 || runs["job-04"] != 1 || runs["_other"] != 15 {
		t.Errorf("runs: %v", runs)
	}
	if took := labels("cron_run_duration_seconds"); len(took) != 3 || took["job-01"] != 1 || took["_other"] != 18 {
		t.Errorf("durations: %v", took)
	}
	if since := labels("cron_job_since_last_success_seconds"); len(since) != 6 || since["_other"] < 19*3600 || since["_other"] > 20*3600 {
		t.Errorf("the worst of the others should be 19 hours: %v", since)
	}
	if until := labels("cron_job_until_next_slot_seconds"); len(until) != 6 || until["_other"] < 10*3600 || until["_other"] > 11*3600 {
		t.Errorf("the first of the others should be in 11 hours: %v", until)
	}
}

func TestGauges(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		now := time.Now()
		source := &stub{
			pulse: contract.Stats{Workers: 64, Busy: 3, Running: 3, Waiting: 2, Overdue: 1, TickedAt: now.Add(-2 * time.Second), Jobs: []contract.JobStats{
				{Name: "fine", Enabled: true, Next: now.Add(time.Minute), Gap: time.Hour},
				{Name: "new", Enabled: true, Next: now.Add(-3 * time.Second), Gap: time.Minute},
				{Name: "off"},
				{Name: "paused", Enabled: true, Next: now.Add(time.Hour), Gap: time.Hour},
			}},
			states: map[string]contract.State{
				"fine":   {LastSuccess: now.Add(-90 * time.Second), LastStatus: cron.Failed},
				"new":    {FirstSeen: now.Add(-10 * time.Second)},
				"paused": {Paused: true, FirstSeen: now.Add(-time.Hour), LastSuccess: now.Add(-time.Second), LastStatus: cron.Succeeded},
			},
		}
		m := metrics.New(metrics.Options{Jobs: []string{"fine", "new", "off", "paused"}})
		m.Watch(source, queue)
		compare(t, m, `
# HELP cron_job_failing 1 while the job's last run failed or was interrupted, on any process.
# TYPE cron_job_failing gauge
cron_job_failing{job_name="fine"} 1
cron_job_failing{job_name="new"} 0
cron_job_failing{job_name="paused"} 0
# HELP cron_job_paused 1 while the job is paused.
# TYPE cron_job_paused gauge
cron_job_paused{job_name="fine"} 0
cron_job_paused{job_name="new"} 0
cron_job_paused{job_name="paused"} 1
# HELP cron_job_since_last_success_seconds Time since the job last succeeded, on any process; since it was first registered, if it never has.
# TYPE cron_job_since_last_success_seconds gauge
cron_job_since_last_success_seconds{job_name="fine"} 90
cron_job_since_last_success_seconds{job_name="new"} 10
cron_job_since_last_success_seconds{job_name="paused"} 1
# HELP cron_job_slot_gap_seconds The longest time between two of the next ten slots.
# TYPE cron_job_slot_gap_seconds gauge
cron_job_slot_gap_seconds{job_name="fine"} 3600
cron_job_slot_gap_seconds{job_name="new"} 60
cron_job_slot_gap_seconds{job_name="paused"} 3600
# HELP cron_job_until_next_slot_seconds Time until the next slot that is not settled; below zero if it is due. Missing for a job without one.
# TYPE cron_job_until_next_slot_seconds gauge
cron_job_until_next_slot_seconds{job_name="fine"} 60
cron_job_until_next_slot_seconds{job_name="new"} -3
cron_job_until_next_slot_seconds{job_name="paused"} 3600
# HELP cron_jobs Registered jobs by status.
# TYPE cron_jobs gauge
cron_jobs{state="disabled"} 1
cron_jobs{state="paused"} 1
cron_jobs{state="scheduled"} 2
# HELP cron_runs_overdue Runs of this process that are still active after their timeout or cancellation.
# TYPE cron_runs_overdue gauge
cron_runs_overdue 1
# HELP cron_runs_running Runs whose function is being called in this process.
# TYPE cron_runs_running gauge
cron_runs_running 3
# HELP cron_runs_waiting Runs of this process that wait for a worker, their turn, their group or their next attempt.
# TYPE cron_runs_waiting gauge
cron_runs_waiting 2
# HELP cron_since_last_tick_seconds Time since the scheduler last checked the clock, which it does every second. Missing while the clock is off.
# TYPE cron_since_last_tick_seconds gauge
cron_since_last_tick_seconds 2
# HELP cron_store_queue_length Calls that wait to be written.
# TYPE cron_store_queue_length gauge
cron_store_queue_length 7
# HELP cron_store_up 1 if the store answered the last query for the state of jobs.
# TYPE cron_store_up gauge
cron_store_up 1
# HELP cron_workers Maximum number of concurrent runs in this process.
# TYPE cron_workers gauge
cron_workers 64
# HELP cron_workers_busy Workers that have a run.
# TYPE cron_workers_busy gauge
cron_workers_busy 3
`, "cron_job_failing", "cron_job_paused", "cron_job_since_last_success_seconds", "cron_job_slot_gap_seconds", "cron_job_until_next_slot_seconds",
			"cron_jobs", "cron_runs_overdue", "cron_runs_running", "cron_runs_waiting", "cron_since_last_tick_seconds",
			"cron_store_queue_length", "cron_store_up", "cron_workers", "cron_workers_busy")

		// What the store has said holds for a moment; what it can no longer say is not told.
		source.err = errors.New("the disk is gone")
		compare(t, m, "# HELP cron_store_up 1 if the store answered the last query for the state of jobs.\n# TYPE cron_store_up gauge\ncron_store_up 1\n", "cron_store_up")
		time.Sleep(6 * time.Second)
		compare(t, m, "# HELP cron_store_up 1 if the store answered the last query for the state of jobs.\n# TYPE cron_store_up gauge\ncron_store_up 0\n", "cron_store_up", "cron_job_failing")
	})
}

func TestClaimsAndCommits(t *testing.T) {
	m := metrics.New(metrics.Options{})
	m.Claimed(contract.ClaimCall{Won: 3, Lost: 2, Took: time.Millisecond})
	m.Claimed(contract.ClaimCall{Took: time.Second, Err: errors.New("away")})
	m.Committed(40, 3*time.Millisecond, nil)
	m.Committed(1, time.Millisecond, errors.New("full"))
	compare(t, m, `
# HELP cron_claims_total Claims of slots and runs that this process won, those that another process had settled before, and those the store answered with an error.
# TYPE cron_claims_total counter
cron_claims_total{result="error"} 1
cron_claims_total{result="lost"} 2
cron_claims_total{result="won"} 3
# HELP cron_store_commit_errors_total Groups of writes in which the database permanently refused a call.
# TYPE cron_store_commit_errors_total counter
cron_store_commit_errors_total 1
`, "cron_claims_total", "cron_store_commit_errors_total")
	for name, want := range map[string]float64{"cron_claim_duration_seconds": 1.001, "cron_store_commit_duration_seconds": 0.004, "cron_store_commit_calls": 41} {
		h := family(t, m, name).GetMetric()[0].GetHistogram()
		if d := h.GetSampleSum() - want; h.GetSampleCount() != 2 || d < -1e-9 || d > 1e-9 {
			t.Errorf("%s: %d observations, sum %v", name, h.GetSampleCount(), h.GetSampleSum())
		}
	}
}

func TestNamesAndUnitsKeepTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(everything(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Ten who scrape in one second cost one question.
func TestAnswersAreShared(t *testing.T) {
	source := &stub{}
	m := metrics.New(metrics.Options{})
	m.Watch(source, queue)
	var wg sync.WaitGroup
	ask := func(accept string) string {
		rec := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept", accept)
		m.Handler().ServeHTTP(rec, req)
		if rec.Code != http.StatusOK || rec.Body.Len() == 0 {
			t.Errorf("%d %s", rec.Code, rec.Body)
		}
		return rec.Header().Get("Content-Type")
	}
	crontest.Bubble(t, func(*testing.T) {
		for range 10 {
			wg.Go(func() { ask("text/plain") })
			wg.Go(func() { ask("application/openmetrics-text") })
		}
		wg.Wait()
		if source.pulses != 1 {
			t.Errorf("the scheduler was asked %d times", source.pulses)
		}
		time.Sleep(time.Second)
		ask("")
		if source.pulses != 2 {
			t.Errorf("after a second the scheduler was asked %d times", source.pulses)
		}
	})
	for accept, want := range map[string]string{
		"":                             "text/plain",
		"application/openmetrics-text": "application/openmetrics-text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited": "application/vnd.google.protobuf",
	} {
		if got := ask(accept); !strings.HasPrefix(got, want) {
			t.Errorf("asked for %q, the answer is %q", accept, got)
		}
	}
}

// everything has told all that there is.
func everything(t *testing.T) *metrics.Metrics {
	t.Helper()
	now, took := time.Now(), int64(1)
	m := metrics.New(metrics.Options{Jobs: []string{"a"}, Version: "v1.2.3"})
	m.Watch(&stub{
		pulse:  contract.Stats{Workers: 1, TickedAt: now, Jobs: []contract.JobStats{{Name: "a", Enabled: true, Next: now, Gap: time.Hour}}},
		states: map[string]contract.State{"a": {LastSuccess: now}},
	}, queue)
	m.Observe(contract.Event{Kind: contract.RunStarted, Job: "a", Record: cron.Record{Trigger: cron.BySchedule, Attempt: 1, Slot: &now, StartedAt: &now}})
	m.Observe(ended("a", cron.Succeeded, func(r *cron.Record) { r.Duration = &took }))
	m.Claimed(contract.ClaimCall{Won: 1})
	m.Committed(1, time.Millisecond, nil)
	m.Request(http.MethodGet, "/crons", http.StatusOK, time.Millisecond)
	return m
}

func family(t *testing.T, m *metrics.Metrics, name string) *dto.MetricFamily {
	t.Helper()
	all, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			return f
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func label(m *dto.Metric, name string) string {
	for _, p := range m.GetLabel() {
		if p.GetName() == name {
			return p.GetValue()
		}
	}
	return ""
}

func histogramOf(t *testing.T, m *metrics.Metrics, name, job string) *dto.Histogram {
	t.Helper()
	for _, metric := range family(t, m, name).GetMetric() {
		if label(metric, "job_name") == job {
			return metric.GetHistogram()
		}
	}
	t.Fatalf("%s has no job %q", name, job)
	return nil
}
