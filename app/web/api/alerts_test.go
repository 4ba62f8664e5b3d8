package api_test

import (
	"net/http"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
)

func TestAlertsOverHTTP(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	for i, status := range []alert.Status{alert.Pending, alert.Silenced, alert.Pending} {
		err := p.App.Store.Raise(t.Context(), alert.Raise{Alerts: []alert.Alert{{
			ID: string(rune('a' + i)), Job: "backup", Kind: cron.AlertFailed, Run: "r", At: time.Now(), Status: status, Detail: "failed",
			Error: "<b>no</b>", Dedup: string(rune('a' + i)),
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	page := p.Read("/crons/alerts?job=backup&status=pending&limit=1&offset=1").Want(t, http.StatusOK)
	if list := webtest.Decode[[]alert.Alert](t, page); len(list) != 1 || list[0].Detail != "failed" || page.Header.Get("X-Total-Count") != "2" {
		t.Errorf("alerts %+v, in all %s", list, page.Header.Get("X-Total-Count"))
	}
	p.Read("/crons/alerts?status=odd").Want(t, http.StatusBadRequest)
	p.Read("/crons/alerts?limit=0").Want(t, http.StatusBadRequest)
	if list := webtest.Decode[[]alert.TestResult](t, p.Write("/crons/alerts/test", "").Want(t, http.StatusOK)); len(list) != 0 {
		t.Errorf("tests %+v without a channel", list)
	}
}

func TestSilencesOverHTTP(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	s := webtest.Decode[alert.Silence](t, p.Write("/crons/silences", `{"job":"backup","until":"`+until+`","reason":"moving"}`).Want(t, http.StatusCreated))
	if s.Job != "backup" || s.By != "operator" || s.Reason != "moving" {
		t.Errorf("silence %+v", s)
	}
	p.Write("/crons/silences", `{"until":"`+until+`"}`).Want(t, http.StatusCreated)
	p.Write("/crons/silences", `{"job":"bakup","until":"`+until+`"}`).Want(t, http.StatusNotFound)
	p.Write("/crons/silences", `{"job":"backup"}`).Want(t, http.StatusBadRequest)
	p.Write("/crons/silences", `{"until":"2020-01-01T00:00:00Z"}`).Want(t, http.StatusBadRequest)
	if list := webtest.Decode[[]alert.Silence](t, p.Read("/crons/silences").Want(t, http.StatusOK)); len(list) != 2 {
		t.Errorf("%d silences", len(list))
	}
	p.Do(http.MethodDelete, "/crons/silences/"+s.ID, "").Want(t, http.StatusUnauthorized)
	p.Do(http.MethodDelete, "/crons/silences/"+s.ID, "", webtest.AsOperator).Want(t, http.StatusOK)
	p.Do(http.MethodDelete, "/crons/silences/"+s.ID, "", webtest.AsOperator).Want(t, http.StatusNotFound)
	if list := webtest.Decode[[]alert.Silence](t, p.Read("/crons/silences?all=true").Want(t, http.StatusOK)); len(list) != 2 || list[1].EndedBy != "operator" {
		t.Errorf("silences %+v", list)
	}
	audits, err := p.App.Store.Audits(t.Context(), "backup", 0, 10)
	if err != nil || len(audits) != 2 || audits[0].Action != "unsilence" || audits[1].Action != "silence" || audits[1].Origin == "" {
		t.Errorf("audit %+v, error %v", audits, err)
	}
}
