package pages_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/internal/webtest"
)

// What the page of alerts shows, and what its forms do.
func TestPageOfAlerts(t *testing.T) {
	var tests atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tests.Add(1) == 2 {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer hook.Close()
	p := webtest.Start(t, func(set *webtest.Setup) {
		officeJobs(set)
		set.Asleep = true // so that nobody sends what is pending
		set.Env["ALERT_WEBHOOK_URL"], set.Env["ALERT_ALLOWED_HOSTS"] = hook.URL, "127.0.0.1"
	})
	toldOf(t, p, "import", "")
	leads := func(a webtest.Answer, where string) {
		t.Helper()
		if at := a.Header.Get("Location"); a.Status != http.StatusSeeOther || at != where {
			t.Errorf("%d leads to %q, want %q\n%s", a.Status, at, where, a.Body)
		}
	}
	shows := func(path string, want bool, texts ...string) {
		t.Helper()
		page := page(p, path, webtest.AsOperator).Body
		for _, text := range texts {
			if strings.Contains(page, text) != want {
				t.Errorf("%s shows %q: %t, want %t", path, text, !want, want)
			}
		}
	}
	shows("/alerts", true, "failed 3 times in a row", "out of paper", "hooks.example.com answered 500", "has not started 5m after its slot", "30 slots were missed", "<b>webhook</b>")
	shows("/alerts?status=pending", false, "has not started", "were missed")
	shows("/alerts?job=report", false, "failed 3 times")

	leads(submit(p, "/silences", url.Values{"job": {"import"}, "for": {"2h"}, "reason": {"<i>moving</i>"}}), "/crons/dashboard/alerts?did=silence")
	shows("/alerts", true, "Silences", "&lt;i&gt;moving&lt;/i&gt;")
	list := webtest.Decode[[]alert.Silence](t, p.Read("/crons/silences"))
	if len(list) != 1 || list[0].Job != "import" || list[0].By != "operator" || time.Until(list[0].Until).Round(time.Hour) != 2*time.Hour {
		t.Fatalf("silences %+v", list)
	}
	leads(submit(p, "/silences/"+list[0].ID+"/end", nil), "/crons/dashboard/alerts?did=unsilence")
	shows("/alerts", false, "moving")
	if a := submit(p, "/silences", url.Values{"job": {"import"}, "for": {"soon"}}); a.Status != http.StatusBadRequest {
		t.Errorf("a silence for soon: %d", a.Status)
	}
	if a := submit(p, "/silences", url.Values{"job": {"nobody"}, "for": {"2h"}}); a.Status != http.StatusNotFound {
		t.Errorf("a silence of nobody: %d", a.Status)
	}

	leads(submit(p, "/alerts/test", nil), "/crons/dashboard/alerts?did=test&n=1")
	leads(submit(p, "/alerts/test", nil), "/crons/dashboard/alerts?did=test&refused=1")
}
