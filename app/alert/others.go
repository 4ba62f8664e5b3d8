package alert

import (
	"slices"

	"fibercrons/app/cron"
)

// mostSchedules is how many alerts of a kind are raised for the stored schedules of a job within [again], or in one scan
// if the kind does not stay open. Further schedules are counted in one alert: when a provider that ten thousand schedules
// need is down, nobody reads ten thousand alerts.
const mostSchedules = 100

// crowded reports whether no further schedule of the job gets an alert of this kind.
func (p *pass) crowded(job string, kind cron.AlertKind) bool {
	return p.open[ofOthers(job, kind)] != nil || p.number[openKey{job: job, kind: kind}] >= mostSchedules
}

// settled reports whether a problem of a schedule would not even be counted: the alert for further schedules is on its
// way.
func (p *pass) settled(job string, kind cron.AlertKind) bool {
	o := p.open[ofOthers(job, kind)]
	return o != nil && (o.Status != Pending || o.Message != "")
}

// further counts a schedule in the alert for further ones, or makes that. Its number is exact until it is part of a
// message.
func (p *pass) further(a Alert) error {
	key := ofOthers(a.Job, a.Kind)
	if p.settled(a.Job, a.Kind) || a.Status == Silenced {
		return nil
	}
	if p.counted[key] == nil {
		p.counted[key] = map[string]bool{}
	}
	if p.counted[key][a.Schedule] {
		return nil
	}
	p.counted[key][a.Schedule] = true
	o := p.open[key]
	if o == nil {
		a.Schedule, a.Others, a.Number = "", 1, 0
		a.Detail = "further schedules " + happened(a.Kind)
		return p.put(a, a.Kind != cron.AlertRecovered)
	}
	at := slices.IndexFunc(p.raise.Alerts, func(n Alert) bool { return n.ID == o.ID })
	switch {
	case a.Run != "" && a.Run == p.marking:
		p.count(key, a.Run)
	case at >= 0: // what is found again in each scan counts in the first
		p.raise.Alerts[at].Others++
	}
	return nil
}

func (p *pass) count(key openKey, run string) {
	for i := range p.raise.Further {
		if f := &p.raise.Further[i]; f.Job == key.job && f.Kind == key.kind {
			f.Runs = append(f.Runs, run)
			return
		}
	}
	p.raise.Further = append(p.raise.Further, Further{Job: key.job, Kind: key.kind, Runs: []string{run}})
}

// happened says of schedules what an alert's kind means.
func happened(kind cron.AlertKind) string {
	switch kind {
	case cron.AlertFailed:
		return "failed"
	case cron.AlertRecovered:
		return "succeeded again"
	case cron.AlertLate:
		return "did not start in time"
	case cron.AlertMissed:
		return "missed slots"
	default:
		return "ran for too long"
	}
}
