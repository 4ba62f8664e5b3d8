package api_test

import (
	"slices"
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/schedule"
)

func TestEveryChangeIsAudited(t *testing.T) {
	p := webtest.Start(t, webtest.SomeJobs)
	p.Write("/crons/backup/pause", `{"reason":"x"}`, "X-Request-ID: the-first", "X-Forwarded-For: 192.0.2.7\x80").Want(t, 200)
	p.Write("/crons/backup/resume", "").Want(t, 200)
	run := webtest.Decode[cron.Record](t, p.Write("/crons/stay/run", `{"key":"k"}`).Want(t, 202))
	p.Write("/crons/runs/"+run.ID+"/cancel", "")
	p.Eventually(func() bool { return webtest.Decode[cron.Record](t, p.Read("/crons/runs/"+run.ID)).Status.Ended() })
	p.Write("/crons/runs/"+run.ID+"/retry", "").Want(t, 202)
	p.Write("/crons/backup/backfill", `{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}`).Want(t, 202)
	p.Write("/crons/none/pause", "").Want(t, 404)
	p.Write("/crons/backup/pause", `{"x":1}`).Want(t, 400)

	entries := webtest.Decode[[]contract.AuditEntry](t, p.Read("/crons/audit").Want(t, 200))
	want := []struct{ action, target, before, after string }{
		{"backfill", "backup", "", `"runs":1`},
		{"retry", run.ID, "", `"job":"stay"`},
		{"cancel", run.ID, `"status":"running"`, `"job":"stay"`},
		{"run", "stay", "", run.ID},
		{"resume", "backup", `"paused":true`, `"paused":false`},
		{"pause", "backup", `"paused":false`, `"reason":"x"`},
	}
	if len(entries) != len(want) {
		t.Fatalf("%d entries, want %d: %+v", len(entries), len(want), entries)
	}
	for i, w := range want {
		e := entries[i]
		if e.Action != w.action || e.Target != w.target || !strings.Contains(string(e.Before), w.before) || !strings.Contains(string(e.After), w.after) ||
			e.Actor != "operator" || e.At.IsZero() || e.RequestID == "" || !strings.HasPrefix(e.Origin, "127.0.0.1") {
			t.Errorf("%s of %s: %+v %s %s", w.action, w.target, e, e.Before, e.After)
		}
	}
	if first := entries[5]; first.RequestID != "the-first" || first.Origin != "127.0.0.1 (forwarded for 192.0.2.7?)" {
		t.Errorf("%+v", first)
	}

	page := p.Read("/crons/audit?target=backup&limit=2").Want(t, 200)
	if n := len(webtest.Decode[[]contract.AuditEntry](t, page)); n != 2 || !nextPage.MatchString(page.Header.Get("Link")) {
		t.Fatalf("%d entries, Link %q", n, page.Header.Get("Link"))
	}
	last := p.Read(nextPage.FindStringSubmatch(page.Header.Get("Link"))[1]).Want(t, 200)
	if rest := webtest.Decode[[]contract.AuditEntry](t, last); len(rest) != 1 || rest[0].ID != entries[5].ID || last.Header.Get("Link") != "" {
		t.Errorf("%+v", rest)
	}
}

func TestInstances(t *testing.T) {
	p := webtest.Start(t, nil)
	p.Eventually(func() bool {
		list := webtest.Decode[[]contract.InstanceInfo](t, p.Read("/crons/instances").Want(t, 200))
		return len(list) == 1 && list[0].PID > 0 && list[0].TZData == schedule.DataVersion() && slices.Contains(list[0].Parts, "sqlite") && list[0].StoppedAt.IsZero()
	})
}
