package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
)

func TestAlertsOverHTTP(t *testing.T) {
	p := start(t, someJobs)
	for i, status := range []alert.Status{alert.Pending, alert.Silenced, alert.Pending} {
		err := p.app.Store.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{{
			ID: string(rune('a' + i)), Job: "backup", Kind: cron.AlertFailed, Run: "r", At: time.Now(), Status: status, Detail: "failed",
			Error: "<b>no</b>", Dedup: string(rune('a' + i)),
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := p.read("/crons/alerts?job=backup&status=pending&limit=1&offset=1").want(t, http.StatusOK)
	if list := decode[[]alert.Alert](t, page); len(list) != 1 || list[0].Detail != "failed" || page.header.Get("X-Total-Count") != "2" {
		t.Errorf("alerts %+v, in all %s", list, page.header.Get("X-Total-Count"))
	}
	p.read("/crons/alerts?status=odd").want(t, http.StatusBadRequest)
	p.read("/crons/alerts?limit=0").want(t, http.StatusBadRequest)
	if list := decode[[]alert.TestResult](t, p.write("/crons/alerts/test", "").want(t, http.StatusOK)); len(list) != 0 {
		t.Errorf("tests %+v without a channel", list)
	}
}

func TestSilencesOverHTTP(t *testing.T) {
	p := start(t, someJobs)
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s := decode[alert.Silence](t, p.write("/crons/silences", `{"job":"backup","until":"`+until+`","reason":"moving"}`).want(t, http.StatusCreated))
	if s.Job != "backup" || s.By != "operator" || s.Reason != "moving" {
		t.Errorf("silence %+v", s)
	}
	p.write("/crons/silences", `{"until":"`+until+`"}`).want(t, http.StatusCreated)
	p.write("/crons/silences", `{"job":"bakup","until":"`+until+`"}`).want(t, http.StatusNotFound)
	p.write("/crons/silences", `{"job":"backup"}`).want(t, http.StatusBadRequest)
	p.write("/crons/silences", `{"until":"2020-01-01T00:00:00Z"}`).want(t, http.StatusBadRequest)
	if list := decode[[]alert.Silence](t, p.read("/crons/silences").want(t, http.StatusOK)); len(list) != 2 {
		t.Errorf("%d silences", len(list))
	}
	p.do(http.MethodDelete, "/crons/silences/"+s.ID, "").want(t, http.StatusUnauthorized)
	p.do(http.MethodDelete, "/crons/silences/"+s.ID, "", asOperator).want(t, http.StatusOK)
	p.do(http.MethodDelete, "/crons/silences/"+s.ID, "", asOperator).want(t, http.StatusNotFound)
	if list := decode[[]alert.Silence](t, p.read("/crons/silences?all=true").want(t, http.StatusOK)); len(list) != 2 || list[1].EndedBy != "operator" {
		t.Errorf("silences %+v", list)
	}
	audits, err := p.app.Store.Audits(t.Context(), "backup", 0, 10)
	if err != nil || len(audits) != 2 || audits[0].Action != "unsilence" || audits[1].Action != "silence" || audits[1].Origin == "" {
		t.Errorf("audit %+v, error %v", audits, err)
	}
}

// What the page of alerts shows, and what its forms do.
func TestPageOfAlerts(t *testing.T) {
	var tests atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tests.Add(1) == 2 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hook.Close()
	p := start(t, func(set *setup) {
		officeJobs(set)
		set.asleep = true // so that nobody sends what is pending
		set.env["ALERT_WEBHOOK_URL"], set.env["ALERT_ALLOWED_HOSTS"] = hook.URL, "127.0.0.1"
	})
	toldOf(t, p, "import", "")
	leads := func(a answer, where string) {
		t.Helper()
		if at := a.header.Get("Location"); a.status != http.StatusSeeOther || at != where {
			t.Errorf("%d leads to %q, want %q\n%s", a.status, at, where, a.body)
		}
	}
	shows := func(path string, want bool, texts ...string) {
		t.Helper()
		page := p.page(path, asOperator).body
		for _, text := range texts {
			if strings.Contains(page, text) != want {
				t.Errorf("%s shows %q: %t, want %t", path, text, !want, want)
			}
		}
	}
	shows("/alerts", true, "failed 3 times in a row", "out of paper", "hooks.example.com answered 500", "has not started 5m after its slot", "30 slots were missed", "<b>webhook</b>")
	shows("/alerts?status=pending", false, "has not started", "were missed")
	shows("/alerts?job=report", false, "failed 3 times")

	leads(p.submit("/silences", url.Values{"job": {"import"}, "for": {"2h"}, "reason": {"<i>moving</i>"}}), "/crons/dashboard/alerts?did=silence")
	shows("/alerts", true, "Silences", "&lt;i&gt;moving&lt;/i&gt;")
	list := decode[[]alert.Silence](t, p.read("/crons/silences"))
	if len(list) != 1 || list[0].Job != "import" || list[0].By != "operator" || time.Until(list[0].Until).Round(time.Hour) != 2*time.Hour {
		t.Fatalf("silences %+v", list)
	}
	leads(p.submit("/silences/"+list[0].ID+"/end", nil), "/crons/dashboard/alerts?did=unsilence")
	shows("/alerts", false, "moving")
	if a := p.submit("/silences", url.Values{"job": {"import"}, "for": {"soon"}}); a.status != http.StatusBadRequest {
		t.Errorf("a silence for soon: %d", a.status)
	}
	if a := p.submit("/silences", url.Values{"job": {"nobody"}, "for": {"2h"}}); a.status != http.StatusNotFound {
		t.Errorf("a silence of nobody: %d", a.status)
	}

	leads(p.submit("/alerts/test", nil), "/crons/dashboard/alerts?did=test&n=1")
	leads(p.submit("/alerts/test", nil), "/crons/dashboard/alerts?did=test&refused=1")
}
