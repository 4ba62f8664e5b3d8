package dashboard

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/ops"
)

// AlertsPerPage is the number of alerts on a page.
const AlertsPerPage = 50

// AlertsPage shows alerts sent and pending, and the silences in force.
type AlertsPage struct {
	Query    alert.Query
	Rows     []AlertRow
	Total    int
	Silences []alert.Silence
	Channels []string
	Jobs     []string // to choose from
}

// AlertRow is one alert.
type AlertRow struct {
	alert.Alert
	Quiet *alert.Silence // the silence that suppresses it, if in force
}

// Named reports whether to show the kind before the detail, which may begin with the same word.
func (r AlertRow) Named() bool { return !strings.HasPrefix(r.Detail, string(r.Kind)) }

// NewAlerts makes the page.
func NewAlerts(now time.Time, q alert.Query, list []alert.Alert, total int, silences []alert.Silence, channels []string, jobs []ops.JobView) AlertsPage {
	p := AlertsPage{Query: q, Total: total, Silences: silences, Channels: channels}
	for _, j := range jobs {
		p.Jobs = append(p.Jobs, j.Name)
	}
	for _, a := range list {
		row := AlertRow{Alert: a}
		for i := range silences {
			if silences[i].ID == a.Silence && silences[i].Covers(a.Job, now) {
				row.Quiet = &silences[i]
			}
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

// Statuses are the filters.
func (p AlertsPage) Statuses() []alert.Status {
	return []alert.Status{alert.Pending, alert.Sent, alert.Failed, alert.Silenced}
}

// Address is the first page with another status, below the root.
func (p AlertsPage) Address(status alert.Status) string { return p.address(status, 0) }

// Newer is the previous page, or empty.
func (p AlertsPage) Newer() string {
	if p.Query.Offset == 0 {
		return ""
	}
	return p.address(p.Query.Status, max(0, p.Query.Offset-AlertsPerPage))
}

// Older is the next page, or empty.
func (p AlertsPage) Older() string {
	if p.Query.Offset+len(p.Rows) >= p.Total {
		return ""
	}
	return p.address(p.Query.Status, p.Query.Offset+len(p.Rows))
}

func (p AlertsPage) address(status alert.Status, offset int) string {
	v := url.Values{}
	if status != "" {
		v.Set("status", string(status))
	}
	if p.Query.Job != "" {
		v.Set("job", p.Query.Job)
	}
	if offset > 0 {
		v.Set("offset", strconv.Itoa(offset))
	}
	if len(v) == 0 {
		return "/alerts"
	}
	return "/alerts?" + v.Encode()
}
