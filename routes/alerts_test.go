package routes_test

import (
	"net/http"
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
