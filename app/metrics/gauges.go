package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/metrics/board"
	"fibercrons/app/part"
)

const (
	statesHold = 5 * time.Second // how long the store's states are cached
	statesWait = 2 * time.Second // how long to wait for them
)

// gauges are the states at the moment of a scrape.
type gauges struct {
	jobs *jobs

	mu     sync.Mutex
	source part.Source
	queued func() int
	states map[string]contract.State
	asked  time.Time
	up     bool
}

// Watch sets the sources of states: the scheduler, and the store's queue.
func (m *Metrics) Watch(source part.Source, queued func() int) {
	m.gauges.mu.Lock()
	defer m.gauges.mu.Unlock()
	m.gauges.source, m.gauges.queued = source, queued
}

func newGauges(j *jobs) *gauges { return &gauges{jobs: j} }

func jobGauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{board.LabelJob}, nil)
}

func oneGauge(name, help string) *prometheus.Desc { return prometheus.NewDesc(name, help, nil, nil) }

var (
	sinceSuccessDesc = jobGauge(board.SinceSuccess, "Time since the job last succeeded, on any process; since it was first registered, if it never has.")
	untilNextDesc    = jobGauge(board.UntilNext, "Time until the next slot that is not settled; below zero if it is due. Missing for a job without one.")
	slotGapDesc      = jobGauge(board.SlotGap, "The longest time between two of the next ten slots.")
	jobFailingDesc   = jobGauge(board.JobFailing, "1 while the job's last run failed or was interrupted, on any process.")
	jobPausedDesc    = jobGauge(board.JobPaused, "1 while the job is paused.")
	jobsDesc         = prometheus.NewDesc(board.JobsByState, "Registered jobs by status.", []string{board.LabelState}, nil)
	runningDesc      = oneGauge(board.RunsRunning, "Runs whose function is being called in this process.")
	waitingDesc      = oneGauge(board.RunsWaiting, "Runs of this process that wait for a worker, their turn, their group or their next attempt.")
	overdueDesc      = oneGauge(board.RunsOverdue, "Runs of this process that are still active after their timeout or cancellation.")
	workersDesc      = oneGauge(board.Workers, "Maximum number of concurrent runs in this process.")
	busyDesc         = oneGauge(board.WorkersBusy, "Workers that have a run.")
	sinceTickDesc    = oneGauge(board.SinceTick, "Time since the scheduler last checked the clock, which it does every second. Missing while the clock is off.")
	storeUpDesc      = oneGauge(board.StoreUp, "1 if the store answered the last query for the state of jobs.")
	storeQueueDesc   = oneGauge(board.StoreQueue, "Calls that wait to be written.")
)

// Describe implements prometheus.Collector.
func (g *gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		sinceSuccessDesc, untilNextDesc, slotGapDesc, jobFailingDesc, jobPausedDesc, jobsDesc, runningDesc, waitingDesc,
		overdueDesc, workersDesc, busyDesc, sinceTickDesc, storeUpDesc, storeQueueDesc,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g *gauges) Collect(to chan<- prometheus.Metric) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.source == nil {
		return
	}
	g.refresh()
	now, p := time.Now(), g.source.Stats()
	emit := func(d *prometheus.Desc, v float64, labels ...*dto.LabelPair) { to <- &sample{d, labels, v, gauge} }
	emit(runningDesc, float64(p.Running))
	emit(waitingDesc, float64(p.Waiting))
	emit(overdueDesc, float64(p.Overdue))
	emit(workersDesc, float64(p.Workers))
	emit(busyDesc, float64(p.Busy))
	emit(storeUpDesc, truth(g.up))
	if g.queued != nil {
		emit(storeQueueDesc, float64(g.queued()))
	}
	if !p.TickedAt.IsZero() {
		emit(sinceTickDesc, max(now.Sub(p.TickedAt).Seconds(), 0))
	}
	for state, n := range g.perJob(p.Jobs, now, to) {
		emit(jobsDesc, float64(n), pair(board.LabelState, string(state)))
	}
}

// refresh updates the states. g.mu is held.
func (g *gauges) refresh() {
	if time.Since(g.asked).Abs() < statesHold {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), statesWait)
	defer cancel()
	states, err := g.source.States(ctx)
	if g.asked, g.up = time.Now(), err == nil; err == nil {
		g.states = states
	} else {
		g.states = nil // no values rather than old ones
	}
}

// jobState is the state of a job, or the worst state of several.
type jobState struct {
	since, until, gap float64
	known, due        bool
	failing, paused   bool
}

// perJob emits the gauges of jobs, and counts jobs by status.
func (g *gauges) perJob(list []contract.JobStats, now time.Time, to chan<- prometheus.Metric) map[contract.JobStatus]int {
	count := map[contract.JobStatus]int{contract.JobScheduled: 0, contract.JobPaused: 0, contract.JobDisabled: 0}
	var rest jobState
	for i := range list {
		j := &list[i]
		s := g.stands(j, now)
		switch {
		case s.paused:
			count[contract.JobPaused]++
		case j.Enabled:
			count[contract.JobScheduled]++
		default:
			count[contract.JobDisabled]++
		}
		if own := g.jobs.of(j.Name); own != g.jobs.other {
			g.emit(own, s, to)
		} else {
			rest.worsen(s)
		}
	}
	if g.jobs.capped {
		g.emit(g.jobs.other, rest, to)
	}
	return count
}

func (g *gauges) stands(j *contract.JobStats, now time.Time) (s jobState) {
	if st, ok := g.states[j.Name]; ok {
		last := st.LastSuccess
		if last.IsZero() {
			last = st.FirstSeen
		}
		s.known = !last.IsZero()
		s.since = max(now.Sub(last).Seconds(), 0)
		s.failing = st.LastStatus == cron.Failed || st.LastStatus == cron.Interrupted
		s.paused = st.PausedNow(now)
	}
	if !j.Next.IsZero() {
		s.due, s.until, s.gap = true, j.Next.Sub(now).Seconds(), j.Gap.Seconds()
	}
	return s
}

func (s *jobState) worsen(o jobState) {
	if o.due && (!s.due || o.until < s.until) {
		s.until = o.until
	}
	s.since, s.gap = max(s.since, o.since), max(s.gap, o.gap)
	s.known, s.due = s.known || o.known, s.due || o.due
	s.failing = s.failing || o.failing // never paused, which would suppress an alert
}

func (g *gauges) emit(own *series, s jobState, to chan<- prometheus.Metric) {
	put := func(d *prometheus.Desc, v float64) { to <- &sample{d, own.jobLabel, v, gauge} }
	if s.known {
		put(sinceSuccessDesc, s.since)
		put(jobFailingDesc, truth(s.failing))
		put(jobPausedDesc, truth(s.paused))
	}
	if s.due {
		put(untilNextDesc, s.until)
		put(slotGapDesc, s.gap)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
