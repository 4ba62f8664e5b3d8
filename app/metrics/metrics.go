package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/metrics/board"
)

// Options configure [Metrics].
type Options struct {
	// Jobs are the names of all jobs.
	Jobs []string
	// Version of the program.
	Version string
	// MaxJobs is the number of jobs with their own counters and gauges. Optional. Default: 5000.
	MaxJobs int
	// MaxHistograms is the number of jobs with their own histograms. Optional. Default: 200.
	MaxHistograms int
}

func (o Options) withDefaults() Options {
	if o.MaxJobs <= 0 {
		o.MaxJobs = 5000
	}
	if o.MaxHistograms <= 0 {
		o.MaxHistograms = 200
	}
	return o
}

// Metrics holds the metrics of one application.
type Metrics struct {
	registry *prometheus.Registry
	jobs     *jobs
	gauges   *gauges
	answers  answers

	skipped *prometheus.CounterVec
	catchUp *prometheus.CounterVec
	reasons map[cron.Reason]prometheus.Counter // of skipped
	caught  map[string]prometheus.Counter      // of catchUp

	won, lost, failed prometheus.Counter
	claims            prometheus.Histogram

	commits  prometheus.Histogram
	grouped  prometheus.Histogram
	refusals prometheus.Counter

	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// New returns metrics at zero.
func New(o Options) *Metrics {
	o = o.withDefaults()
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		skipped:  counters(board.SkippedTotal, "Slots and runs that were skipped, by reason.", board.LabelReason),
		catchUp:  counters(board.CatchUpTotal, "Outcomes of missed slots: run late, superseded by a later slot, or missed.", board.LabelResult),
		reasons:  make(map[cron.Reason]prometheus.Counter),
		caught:   make(map[string]prometheus.Counter),
		claims:   histogram(board.ClaimDuration, "Time the store took to answer one call that claims slots."),
		commits:  histogram(board.CommitDuration, "Time from the start to the commit of a group of writes, repetitions included."),
		grouped: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: board.CommitCalls, Help: "Calls that shared one commit.", Buckets: prometheus.ExponentialBuckets(1, 2, 10),
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}),
		refusals:  prometheus.NewCounter(prometheus.CounterOpts{Name: board.CommitErrors, Help: "Groups of writes in which the database permanently refused a call."}),
		requests:  counters(board.RequestsTotal, "Requests answered, by the pattern of their route.", board.LabelMethod, board.LabelRoute, board.LabelCode),
		durations: histograms(board.RequestDuration, "Time to the answer of a request, by the pattern of its route. Streams are not in it.", board.LabelMethod, board.LabelRoute),
	}
	m.jobs = newJobs(o)
	m.gauges = newGauges(m.jobs)
	m.answers.gather = m.registry.Gather
	claims := counters(board.ClaimsTotal, "Claims of slots and runs that this process won, those that another process had settled before, and those the store answered with an error.", board.LabelResult)
	m.won, m.lost, m.failed = claims.WithLabelValues("won"), claims.WithLabelValues("lost"), claims.WithLabelValues("error")
	for _, r := range skipReasons {
		m.reasons[r] = m.skipped.WithLabelValues(string(r))
	}
	for _, r := range []string{"run", string(cron.ReasonSuperseded), string(cron.ReasonMissed)} {
		m.caught[r] = m.catchUp.WithLabelValues(r)
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: board.BuildInfo, Help: "1, labelled with the version of the program."}, []string{board.LabelVersion})
	build.WithLabelValues(o.Version).Set(1)
	m.registry.MustRegister(
		m.jobs, m.jobs.took, m.jobs.late, m.gauges, m.skipped, m.catchUp, claims, m.claims,
		m.commits, m.grouped, m.refusals, m.requests, m.durations, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Observe counts an event of the scheduler. It does not block; see [scheduler.Config].
func (m *Metrics) Observe(e contract.Event) {
	rec := &e.Record
	switch {
	case e.Kind == contract.RunStarted:
		if rec.Attempt == 1 && rec.Slot != nil && rec.StartedAt != nil && rec.Trigger == cron.BySchedule {
			m.jobs.of(e.Job).late.Observe(max(rec.StartedAt.Sub(*rec.Slot).Seconds(), 0))
		}
	case e.Kind == contract.RunOverdue:
		m.jobs.of(e.Job).unheeding.Add(1)
	case e.Kind != contract.RunEnded:
	case rec.Status == cron.Queued:
		if n := len(rec.Attempts); n > 0 && rec.Attempts[n-1].EndedAt != nil && rec.NextAt != nil {
			m.jobs.of(e.Job).retries.Add(1)
		}
	default:
		m.ended(e.Job, rec)
	}
}

func (m *Metrics) ended(job string, rec *cron.Record) {
	s := m.jobs.of(job)
	s.count(rec.Status, rec.Cause())
	if rec.Duration != nil {
		s.took.Observe(float64(*rec.Duration) / 1000)
	}
	if rec.Status == cron.Skipped {
		if c, ok := m.reasons[rec.Reason]; ok {
			c.Inc()
		}
		if c, ok := m.caught[string(rec.Reason)]; ok {
			c.Inc()
		}
	} else if rec.Trigger == cron.ByCatchUp {
		m.caught["run"].Inc()
	}
}

// Claimed counts the results of a claim call.
func (m *Metrics) Claimed(c contract.ClaimCall) {
	m.claims.Observe(c.Took.Seconds())
	if c.Err != nil {
		m.failed.Inc()
		return
	}
	m.won.Add(float64(c.Won))
	m.lost.Add(float64(c.Lost))
}

// Committed counts a group of calls written together.
func (m *Metrics) Committed(calls int, took time.Duration, err error) {
	m.commits.Observe(took.Seconds())
	m.grouped.Observe(float64(calls))
	if err != nil {
		m.refusals.Inc()
	}
}

// Gather implements prometheus.Gatherer, without a cache.
func (m *Metrics) Gather() (Families, error) { return m.registry.Gather() }

// buckets range from a millisecond to an hour.
var buckets = []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 5, 15, 60, 300, 900, 3600}

func options(name, help string) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}
}

func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(options(name, help))
}

func histograms(name, help string, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(options(name, help), labels)
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}
