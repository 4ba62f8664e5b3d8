package metrics

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"fibercrons/app/cron"
	"fibercrons/app/metrics/board"
)

// end is a possible end of a run.
type end struct {
	status cron.Status
	cause  string
}

var skipReasons = []cron.Reason{
	cron.ReasonMissed, cron.ReasonSuperseded, cron.ReasonOverlap, cron.ReasonQueueFull, cron.ReasonPaused, cron.ReasonLate,
}

// ends are the known ends. Others are counted under their status with the cause "other".
var ends = func() []end {
	list := []end{ // the first two are exported for every job, also at zero, so that rates start there
		{cron.Succeeded, ""}, {cron.Failed, cron.CauseError},
		{cron.Failed, cron.CausePanic}, {cron.Failed, cron.CauseTimeout},
		{cron.Cancelled, string(cron.ReasonRequested)}, {cron.Cancelled, string(cron.ReasonReplaced)},
		{cron.Cancelled, string(cron.ReasonShutdown)}, {cron.Cancelled, string(cron.ReasonRemoved)},
		{cron.Interrupted, string(cron.ReasonCrash)}, {cron.Interrupted, string(cron.ReasonShutdown)},
	}
	for _, r := range skipReasons {
		list = append(list, end{cron.Skipped, string(r)})
	}
	for _, s := range []cron.Status{cron.Failed, cron.Cancelled, cron.Interrupted, cron.Skipped} {
		list = append(list, end{s, "other"})
	}
	return list
}()

const (
	alwaysExported = 2
	endsMost       = 20
)

var placeOf = func() map[end]int {
	places := make(map[end]int, len(ends))
	for i, e := range ends {
		places[e] = i
	}
	return places
}()

// endsInOrder are the indexes of ends, sorted by labels, so that a scrape has little to sort.
var endsInOrder = func() []int {
	list := make([]int, len(ends))
	for i := range list {
		list[i] = i
	}
	slices.SortFunc(list, func(a, b int) int {
		return cmp.Or(strings.Compare(ends[a].cause, ends[b].cause), strings.Compare(string(ends[a].status), string(ends[b].status)))
	})
	return list
}()

// series are the counters and histograms of one job.
type series struct {
	runs      [endsMost]atomic.Uint64 // parallel to ends
	retries   atomic.Uint64
	unheeding atomic.Uint64
	took      prometheus.Observer
	late      prometheus.Observer

	name        string
	jobLabel    []*dto.LabelPair
	labelsByEnd [endsMost]atomic.Pointer[[]*dto.LabelPair] // made at the first export
}

func (s *series) count(status cron.Status, cause string) {
	i, ok := placeOf[end{status, cause}]
	if !ok {
		if i, ok = placeOf[end{status, "other"}]; !ok {
			return // not an end
		}
	}
	s.runs[i].Add(1)
}

// jobs are the series of all jobs. Map and list do not change after newJobs.
type jobs struct {
	byName map[string]*series
	list   []*series
	other  *series
	capped bool // some jobs share other
	took   *prometheus.HistogramVec
	late   *prometheus.HistogramVec
}

func newJobs(o Options) *jobs {
	j := &jobs{
		byName: make(map[string]*series, len(o.Jobs)),
		took:   histograms(board.RunDuration, "Time from the start of a run's first attempt to its end.", board.LabelJob),
		late:   histograms(board.StartLateness, "Time from the slot of a run to its start. Slots that were caught up are not in it.", board.LabelJob),
	}
	names := slices.Sorted(slices.Values(o.Jobs))
	j.capped = len(names) > o.MaxJobs
	j.other = newSeries(board.Other)
	for i, name := range names {
		if i >= o.MaxJobs {
			j.byName[name] = j.other
			continue
		}
		s := newSeries(name)
		if i < o.MaxHistograms {
			s.took, s.late = j.took.WithLabelValues(name), j.late.WithLabelValues(name)
		} else {
			s.took, s.late = j.took.WithLabelValues(board.Other), j.late.WithLabelValues(board.Other)
		}
		j.byName[name], j.list = s, append(j.list, s)
	}
	// Always needed: runs of jobs unknown to this program are counted too, if their process died.
	j.other.took, j.other.late = j.took.WithLabelValues(board.Other), j.late.WithLabelValues(board.Other)
	j.list = append(j.list, j.other)
	return j
}

func newSeries(name string) *series {
	return &series{name: name, jobLabel: []*dto.LabelPair{pair(board.LabelJob, name)}}
}

func pair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: proto.String(name), Value: proto.String(value)}
}

func (j *jobs) of(name string) *series {
	if s := j.byName[name]; s != nil {
		return s
	}
	return j.other
}

func (s *series) labels(i int) []*dto.LabelPair {
	if p := s.labelsByEnd[i].Load(); p != nil {
		return *p
	}
	pairs := []*dto.LabelPair{pair(board.LabelCause, ends[i].cause), s.jobLabel[0], pair(board.LabelOutcome, string(ends[i].status))}
	s.labelsByEnd[i].Store(&pairs)
	return pairs
}

var (
	runsDesc = prometheus.NewDesc(board.RunsTotal, "Runs that ended, and slots that were skipped, by outcome and cause: the reason, or for a failure error, panic or timeout.",
		[]string{board.LabelCause, board.LabelJob, board.LabelOutcome}, nil)
	retriesDesc   = prometheus.NewDesc(board.RetriesTotal, "Failed attempts that will be retried.", []string{board.LabelJob}, nil)
	unheedingDesc = prometheus.NewDesc(board.UnheedingTotal, "Attempts whose function was still running 5 seconds after its context had ended by timeout or cancellation.", []string{board.LabelJob}, nil)
)

// Describe implements prometheus.Collector.
func (j *jobs) Describe(to chan<- *prometheus.Desc) {
	to <- runsDesc
	to <- retriesDesc
	to <- unheedingDesc
}

// Collect implements prometheus.Collector.
func (j *jobs) Collect(to chan<- prometheus.Metric) {
	for _, i := range endsInOrder {
		for _, s := range j.list {
			exported := s != j.other || j.capped
			if n := s.runs[i].Load(); n > 0 || exported && i < alwaysExported {
				to <- &sample{runsDesc, s.labels(i), float64(n), counter}
			}
		}
	}
	for _, s := range j.list {
		exported := s != j.other || j.capped
		if n := s.retries.Load(); n > 0 || exported {
			to <- &sample{retriesDesc, s.jobLabel, float64(n), counter}
		}
	}
	for _, s := range j.list {
		exported := s != j.other || j.capped
		if n := s.unheeding.Load(); n > 0 || exported {
			to <- &sample{unheedingDesc, s.jobLabel, float64(n), counter}
		}
	}
}

type kind int

const (
	counter kind = iota
	gauge
)

// sample is a metric with prepared labels. Building labels would dominate a scrape of thousands of jobs.
type sample struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair
	value  float64
	kind   kind
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(out *dto.Metric) error {
	out.Label = s.labels
	if s.kind == counter {
		out.Counter = &dto.Counter{Value: &s.value}
	} else {
		out.Gauge = &dto.Gauge{Value: &s.value}
	}
	return nil
}
