package dashboard

import (
	"slices"
	"strings"
	"time"

	"fibercrons/app/contract"
)

// silentAfter is the time without a heartbeat after which an instance counts as silent.
const silentAfter = time.Minute

// InstancesPage lists the processes that share the database.
type InstancesPage struct{ Rows []InstanceRow }

// InstanceRow is a process.
type InstanceRow struct {
	contract.InstanceInfo
	State  string // alive, silent, stopped
	Uptime string
}

// NewInstances makes the page: running instances first, then the newest.
func NewInstances(now time.Time, list []contract.InstanceInfo) InstancesPage {
	var p InstancesPage
	for _, i := range list {
		row := InstanceRow{InstanceInfo: i, State: "alive"}
		end := now
		switch {
		case !i.StoppedAt.IsZero():
			row.State, end = "stopped", i.StoppedAt
		case now.Sub(i.SeenAt) > silentAfter:
			row.State, end = "silent", i.SeenAt
		}
		row.Uptime = span(end.Sub(i.StartedAt))
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b InstanceRow) int {
		if a.State == b.State {
			return b.StartedAt.Compare(a.StartedAt)
		}
		return strings.Compare(a.State, b.State) // alive, silent, stopped
	})
	p.Rows = p.Rows[:min(len(p.Rows), 100)]
	return p
}

// Living are the running instances.
func (p InstancesPage) Living() (list []InstanceRow) {
	for _, row := range p.Rows {
		if row.State == "alive" {
			list = append(list, row)
		}
	}
	return list
}

// Silent is the number of instances that went silent within the last hour. Older ones are not news.
func (p InstancesPage) Silent() (n int) {
	for _, row := range p.Rows {
		n += btoi(row.State == "silent" && time.Since(row.SeenAt) < time.Hour)
	}
	return n
}
