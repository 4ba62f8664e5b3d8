package store_test

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/alert"
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
