package store_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fibercrons/app/alert"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/testdb"
	"fibercrons/app/store"
)

// The looks at runs and the deliveries go by indexes, whatever the length of the history.
func TestAlertStatementsDoNotScan(t *testing.T) {
	s := open(t, file(t))
	var openSQL string
	if err := s.HeardReads(func(query string) { openSQL = query }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OpenAlerts(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"troubled": {store.TroubledSQL, "job_runs_troubled"},
		"active":   {store.UnendedSQL, "job_runs_active"},
		"late":     {store.LateSQL, "job_runs_time"},
		"open":     {openSQL, "sqlite_autoindex_job_alerts"},
		"waiting":  {"SELECT COUNT(*) FROM job_alerts WHERE status = 'pending' AND message = ''", "alerts_"},
		"message":  {"SELECT * FROM job_alerts WHERE message = ? ORDER BY at, id LIMIT 20", "alerts_message"},
		"list":     {"SELECT * FROM job_alerts ORDER BY raised_at DESC, id DESC LIMIT 50", "alerts_time"},
		"of a job": {"SELECT * FROM job_alerts WHERE job = ? ORDER BY raised_at DESC, id DESC LIMIT 50", "alerts_job"},
		"due":      {"SELECT id FROM job_alert_deliveries WHERE status = 'pending' AND channel = ? AND next_at <= ? AND lease_until <= ? ORDER BY next_at, id LIMIT 3", "alert_deliveries_status"},
		"sent":     {"SELECT COUNT(*) FROM job_alert_deliveries WHERE channel = ? AND sent_at > ?", "alert_deliveries_sent"},
		"lately":   {"SELECT message FROM job_alert_deliveries WHERE created_at > ?", "alert_deliveries_time"},
		"silences": {"SELECT * FROM job_silences WHERE until_at > ? AND ended_at IS NULL", "silences_until"},
	} {
		if p := queryPlan(t, s, c[0]); !strings.Contains(p, c[1]) {
			t.Errorf("%s does not go by %s:\n%s", name, c[1], p)
		}
	}
}

// Two processes raise, gather and take at one time, while connections break before and after every
// commit: each alert is there once, in one message, and is taken by one of them.
func TestAlertsAreShared(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		path := file(t)
		alertsAreShared(t, 300, open(t, path), open(t, path))
	})
}

// A silence is ended once, also when the first answer was lost, and two calls of one millisecond are two.
func TestSilenceIsEndedOnce(t *testing.T) {
	silenceIsEndedOnce(t, open(t, file(t)))
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) { silenceIsEndedOnce(t, openURL(t, k.URL(t))) })
}

func silenceIsEndedOnce(t *testing.T, s *store.Store) {
	t.Helper()
	now := time.Now().Truncate(time.Millisecond)
	if err := s.Silence(t.Context(), alert.Silence{ID: "a", Until: now.Add(time.Hour), By: "ada", CreatedAt: now}); err != nil {
		t.Fatal(err)
	}
	lost := false
	s.Tamper(func(point string, _ []string) error {
		if point != "committed" || lost {
			return nil
		}
		lost = true
		return driver.ErrBadConn
	})
	if got, err := s.Unsilence(t.Context(), "a", "ada", now); err != nil || got.EndedBy != "ada" || !lost {
		t.Errorf("ended: %+v, %v", got, err)
	}
	if _, err := s.Unsilence(t.Context(), "a", "ada", now); !errors.Is(err, cron.ErrNotFound) {
		t.Errorf("ended twice: %v", err)
	}
}

func TestServersShareAlerts(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		url := k.URL(t)
		alertsAreShared(t, 60, openURL(t, url), openURL(t, url))
	})
}

func alertsAreShared(t *testing.T, alerts int, all ...*store.Store) {
	t.Helper()
	for _, s := range all {
		var broken atomic.Int64
		s.Tamper(func(point string, _ []string) error {
			n := broken.Add(1)
			if (point == "begin" && n%7 == 0) || (point == "commit" && n%5 == 0) || (point == "committed" && n%3 == 0) {
				return fmt.Errorf("%s: %w", point, driver.ErrBadConn)
			}
			return nil
		})
	}
	each := func(do func(n int, s *store.Store) error) {
		t.Helper()
		ended := make(chan error)
		for n, s := range all {
			go func() { ended <- do(n, s) }()
		}
		for range all {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	each(func(n int, s *store.Store) error {
		for i := range alerts {
			job := fmt.Sprintf("job-%d", i)
			err := s.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{{
				ID: fmt.Sprintf("%d-%d", n, i), Job: job, Kind: cron.AlertFailed, At: time.Now(), Status: alert.Pending, Open: i%2 == 0,
				Dedup: fmt.Sprintf("failed:%s:%d", job, i),
			}}})
			if err != nil {
				return err
			}
		}
		return nil
	})
	each(func(_ int, s *store.Store) error {
		_, err := s.Gather(t.Context(), alert.Gather{Channels: []string{"a", "b"}, PerMinute: 10})
		return err
	})
	taken := make(chan alert.Delivery, 10)
	each(func(_ int, s *store.Store) error {
		list, err := s.TakeDeliveries(t.Context(), alert.Take{Channels: []string{"a", "b"}, Lease: time.Hour, PerMinute: 10, Limit: 5, Alerts: 20})
		for _, d := range list {
			taken <- d
		}
		return err
	})
	close(taken)
	channels := map[string]int{}
	for d := range taken {
		channels[d.Channel]++
		if d.Total != alerts || d.Kinds[cron.AlertFailed] != alerts || len(d.Alerts) != 20 || d.Attempts != 1 {
			t.Errorf("delivery of %d alerts, %v, lists %d, attempt %d", d.Total, d.Kinds, len(d.Alerts), d.Attempts)
		}
		if err := all[0].Settle(t.Context(), alert.Settlement{ID: d.ID, Token: d.Token + 1, Sent: true}); err != nil {
			t.Error(err)
		}
		if _, sent, err := all[0].Alerts(t.Context(), alert.Query{Status: alert.Sent}); err != nil || sent != 0 && channels["a"]+channels["b"] < 2 {
			t.Errorf("settled under another's token: %d, error %v", sent, err)
		}
		if err := all[1].Settle(t.Context(), alert.Settlement{ID: d.ID, Token: d.Token, Sent: true}); err != nil {
			t.Error(err)
		}
	}
	if channels["a"] != 1 || channels["b"] != 1 {
		t.Errorf("taken %v", channels)
	}
	if _, sent, err := all[0].Alerts(t.Context(), alert.Query{Status: alert.Sent}); err != nil || sent != alerts {
		t.Errorf("%d alerts are sent, error %v", sent, err)
	}
	if list, err := all[0].OpenAlerts(t.Context()); err != nil || len(list) != alerts/2 {
		t.Errorf("%d alerts are open, error %v", len(list), err)
	}
}

// What is seen of runs: those that went wrong until somebody has looked, those that go on, and those that started late.
func TestSights(t *testing.T) { sights(t, open(t, file(t))) }

func TestServersShowSights(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) { sights(t, openURL(t, k.URL(t))) })
}

func sights(t *testing.T, s *store.Store) {
	t.Helper()
	fails, goesOn := queue(t, s.Claim, "fails", cron.Running), queue(t, s.Claim, "goes-on", cron.Running)
	end := endOf(fails)
	end.Status, end.Error = cron.Failed, "out of paper"
	if err := s.Finish(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	is := func(what string, recs []cron.Record, err error, want ...string) {
		t.Helper()
		var got []string
		for i := range recs {
			got = append(got, recs[i].Job)
		}
		if slices.Sort(got); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q, error %v", what, got, want, err)
		}
	}
	wrong, err := s.Troubled(t.Context(), time.Time{}, 10)
	is("went wrong", wrong, err, "fails")
	if err := s.Raise(t.Context(), alert.Raise{Looked: []string{fails.ID}}); err != nil {
		t.Fatal(err)
	}
	wrong, err = s.Troubled(t.Context(), time.Time{}, 10)
	is("went wrong and was not looked at", wrong, err)
	active, err := s.Active(t.Context(), 10)
	is("goes on", active, err, "goes-on")
	if a := active[0]; a.ID != goesOn.ID || a.Status != cron.Running || a.Trigger != cron.BySchedule || a.Slot == nil || !a.Slot.Equal(goesOn.Slot) || a.StartedAt == nil {
		t.Errorf("goes on: %+v", a)
	}
	late, err := s.StartedLate(t.Context(), goesOn.At.Add(-time.Hour), time.Minute, 10)
	is("started late", late, err, "fails", "goes-on") // long after their slot
	late, err = s.StartedLate(t.Context(), goesOn.At.Add(time.Hour), time.Minute, 10)
	is("started late, of the time after", late, err)
}

// What is over is forgotten after its time; what is open or on its way is not.
func TestPruneAlerts(t *testing.T) {
	pruneAlerts(t, open(t, file(t)))
}

func TestServersPruneAlerts(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) { pruneAlerts(t, openURL(t, k.URL(t))) })
}

func pruneAlerts(t *testing.T, s *store.Store) {
	raise := func(id string, status alert.Status, open bool) {
		t.Helper()
		err := s.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{{ID: id, Job: id, Kind: cron.AlertFailed, At: time.Now(), Status: status, Open: open, Dedup: id}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	raise("over", alert.Silenced, false)
	raise("open", alert.Silenced, true)
	raise("waits", alert.Pending, false)
	if err := s.Silence(t.Context(), alert.Silence{ID: "s", Until: time.Now().Add(time.Hour), CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if gone, err := s.PruneAlerts(t.Context(), time.Hour, -time.Minute); err != nil || len(gone) != 0 {
		t.Errorf("gave up %v, error %v", gone, err)
	}
	list, total, err := s.Alerts(t.Context(), alert.Query{})
	if err != nil || total != 2 {
		t.Errorf("kept %+v, error %v", list, err)
	}
	if silences, err := s.Silences(t.Context(), true); err != nil || len(silences) != 1 {
		t.Errorf("%d silences, error %v", len(silences), err)
	}
	if _, err := s.Gather(t.Context(), alert.Gather{Channels: []string{"gone"}, PerMinute: 10}); err != nil {
		t.Fatal(err)
	}
	gone, err := s.PruneAlerts(t.Context(), -time.Minute, time.Hour)
	if err != nil || len(gone) != 1 || gone[0].Channel != "gone" || gone[0].Status != alert.Failed {
		t.Errorf("gave up %+v, error %v", gone, err)
	}
	if _, failed, err := s.Alerts(t.Context(), alert.Query{Status: alert.Failed}); err != nil || failed != 1 {
		t.Errorf("%d alerts failed, error %v", failed, err)
	}
}

// An alert of a stored schedule knows when that last succeeded, and whether it is still to run. The alert for further
// schedules counts each run once, however often it is told of, until it is in a message, whose groups count all.
func TestAlertsOfSchedules(t *testing.T) { alertsOfSchedules(t, open(t, file(t))) }

func TestServersKeepAlertsOfSchedules(t *testing.T) {
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) { alertsOfSchedules(t, openURL(t, k.URL(t))) })
}

func alertsOfSchedules(t *testing.T, s *store.Store) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	long := strings.Repeat("ü", 200)
	at := time.Now().UTC().Truncate(time.Millisecond)
	put := func(id, job string, next time.Time) contract.PutSchedule {
		return contract.PutSchedule{Schedule: contract.Schedule{ID: id, Job: job, Expr: "@hourly"}, At: at, After: func(time.Time) time.Time { return next }}
	}
	_, err := s.PutSchedules(t.Context(), []contract.PutSchedule{
		put(long, "job", at.Add(time.Hour)), put("over", "job", time.Time{}), put("moved", "another", at.Add(time.Hour)), put("paused", "job", time.Time{}),
	})
	must(err)
	_, err = s.PauseSchedule(t.Context(), contract.PauseSchedule{ID: "paused", At: at, After: func(time.Time) time.Time { return time.Time{} }})
	must(err)
	var alerts []alert.Alert
	for _, id := range []string{"", long, "over", "moved", "paused", "deleted"} {
		alerts = append(alerts, alert.Alert{ID: "failed " + id[:min(len(id), 10)], Job: "job", Schedule: id, Kind: cron.AlertFailed, At: at, Status: alert.Pending, Open: true, Dedup: "failed:" + id[:min(len(id), 10)], Error: "no"})
	}
	must(s.Raise(t.Context(), alert.Raise{Alerts: alerts}))
	must(s.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{{ID: "again", Job: "job", Schedule: long, Kind: cron.AlertFailed, At: at, Status: alert.Pending, Open: true, Dedup: "again"}}}))

	// Each state has its own success, also when the runs of several end in one commit.
	end := func(schedule string, status cron.Status, after time.Duration) *contract.Finish {
		c := claimOf("job", 1)
		c.Fence, c.Slot, c.Trigger, c.Overlap, c.Schedule = contract.Fence{ID: uuid.NewString(), Token: 7}, time.Time{}, cron.ByHand, cron.Allow, schedule
		c.Force = true
		if _, err := s.Claim(t.Context(), []contract.Claim{c}); err != nil {
			t.Fatal(err)
		}
		f := endOf(c)
		f.Schedule, f.Slot, f.Status, f.Started, f.At = schedule, time.Time{}, status, at, at.Add(after)
		return &f
	}
	ends := []*contract.Finish{
		end(long, cron.Succeeded, time.Second), end("", cron.Succeeded, 2*time.Second), end("paused", cron.Succeeded, 3*time.Second),
		end(long, cron.Failed, 4*time.Second), end("", cron.Failed, 5*time.Second), end("over", cron.Failed, 6*time.Second), end("deleted", cron.Succeeded, 7*time.Second),
	}
	failed := []string{ends[3].ID, ends[4].ID, ends[5].ID}
	var all sync.WaitGroup
	for _, f := range ends {
		all.Go(func() {
			if err := s.Finish(t.Context(), *f); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	list, err := s.OpenAlerts(t.Context())
	must(err)
	got := map[string]string{}
	for _, o := range list {
		after := "never"
		if !o.LastSuccess.IsZero() {
			after = o.LastSuccess.Sub(at).String()
		}
		got[o.Schedule] = fmt.Sprint(after, " ", o.Gone, " ", o.Ended)
	}
	want := map[string]string{
		"": "2s false false", long: "1s false false", "paused": "3s false false", "over": "never false true",
		"moved": "never true true", "deleted": "never true true",
	}
	if !maps.Equal(got, want) {
		t.Errorf("open alerts %v, want %v", got, want)
	}

	// The first raise of the alert for further schedules is repeated, as after a lost answer; another process is late.
	further := func(id string, looked []string, runs ...string) {
		t.Helper()
		must(s.Raise(t.Context(), alert.Raise{
			Alerts: []alert.Alert{{ID: id, Job: "job", Kind: cron.AlertFailed, Run: runs[0], At: at, Status: alert.Pending, Open: true, Others: 1, Dedup: "failed:job:" + runs[0]}},
			Looked: looked, Further: []alert.Further{{Job: "job", Kind: cron.AlertFailed, Runs: runs[1:]}},
		}))
	}
	further("others", failed[:2], failed[0], failed[1])
	further("others", failed[:2], failed[0], failed[1])
	further("others of another", failed, failed[0], failed[1], failed[2])
	others := func() int {
		t.Helper()
		list, err := s.OpenAlerts(t.Context())
		must(err)
		n := 0
		for _, o := range list {
			n += o.Others
		}
		if len(list) != len(want)+1 {
			t.Errorf("%d alerts are open", len(list))
		}
		return n
	}
	if n := others(); n != 3 {
		t.Errorf("counts %d further schedules, want 3", n)
	}
	_, err = s.Gather(t.Context(), alert.Gather{Channels: []string{"a"}, PerMinute: 10})
	must(err)
	must(s.Raise(t.Context(), alert.Raise{Further: []alert.Further{{Job: "job", Kind: cron.AlertFailed, Runs: []string{"x"}}}}))
	if n := others(); n != 3 {
		t.Errorf("counts %d further schedules after its message, want 3", n)
	}
	taken, err := s.TakeDeliveries(t.Context(), alert.Take{Channels: []string{"a"}, Lease: time.Hour, PerMinute: 10, Limit: 5, Alerts: 20, Each: 3})
	must(err)
	if len(taken) != 1 || taken[0].Total != 9 || taken[0].Kinds[cron.AlertFailed] != 9 || len(taken[0].Alerts) != 4 || len(taken[0].Groups) != 1 {
		t.Fatalf("deliveries %+v", taken)
	}
	if g := taken[0].Groups[0]; g.Job != "job" || g.Kind != cron.AlertFailed || g.Total != 8 || g.Alerts != 8 || len(g.Schedules) != 3 || !g.At.Equal(at) || g.Error != "no" {
		t.Errorf("group %+v", g)
	}
}
