package web_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/ops"
	"fibercrons/app/schedule"
)

func outward(set *setup) { set.env["HOST"] = "0.0.0.0" }

func withoutTokens(set *setup) {
	delete(set.env, "CRON_OPERATOR_TOKEN")
	delete(set.env, "CRON_VIEWER_TOKEN")
}

func onlyOperator(set *setup) { delete(set.env, "CRON_VIEWER_TOKEN") }

func onlyViewer(set *setup) { delete(set.env, "CRON_OPERATOR_TOKEN") }

func onlyNames(set *setup) {
	withoutTokens(set)
	set.env["CRON_ALLOWED_HOSTS"] = "crons.example"
}

func authOff(set *setup) { set.env["CRON_AUTH"] = "off" }

// Reads are open on loopback as long as no token and no name is configured. Writes need the operator token
// everywhere.
func TestWhoMayWhat(t *testing.T) {
	const read, write = "GET /crons", "POST /crons/hello/resume"
	tests := []struct {
		name    string
		setup   func(*setup)
		request string
		headers []header
		status  int
	}{
		{"local read", nil, read, nil, 401}, // a proxy on this machine may have sent it
		{"local read, viewer", nil, read, []header{asViewer}, 200},
		{"local write", nil, write, nil, 401},
		{"local write, viewer", nil, write, []header{asViewer}, 403},
		{"local write, operator", nil, write, []header{asOperator}, 200},
		{"local write, scheme in lower case", nil, write, []header{"Authorization: bearer " + operatorToken}, 200},
		{"local read, wrong token", nil, read, []header{"Authorization: Bearer wrong"}, 401},
		{"local read, empty token", nil, read, []header{"Authorization: Bearer "}, 401},
		{"local write, wrong token", nil, write, []header{"Authorization: Bearer " + operatorToken + "x"}, 401},
		{"local write, part of the token", nil, write, []header{"Authorization: Bearer " + operatorToken[:10]}, 401},
		{"local write, token as a password", nil, write, []header{"Authorization: Basic " + operatorToken}, 401},
		{"local write, token in the query", nil, write + "?token=" + operatorToken, nil, 401},
		{"local read, a proxy's password", nil, read, []header{"Authorization: Basic dXNlcjpwYXNz"}, 401},
		{"forwarded read", nil, read, []header{"X-Forwarded-For: 127.0.0.1"}, 401},
		{"forwarded read, odd header", nil, read, []header{"X-Forwarded-Anything: 1"}, 401},
		{"forwarded read, RFC 7239", nil, read, []header{"Forwarded: for=127.0.0.1"}, 401},
		{"forwarded read, Via", nil, read, []header{"Via: 1.1 proxy"}, 401},
		{"forwarded read, X-Real-IP", nil, read, []header{"X-Real-IP: 127.0.0.1"}, 401},
		{"forwarded read, viewer", nil, read, []header{"Via: 1.1 proxy", asViewer}, 200},
		{"made token: local read", withoutTokens, read, nil, 200},
		{"made token: local read, a proxy's password", withoutTokens, read, []header{"Authorization: Basic dXNlcjpwYXNz"}, 200},
		{"made token: local read by a foreign name", withoutTokens, read, []header{"Host: crons.example"}, 403},
		{"made token: forwarded read", withoutTokens, read, []header{"X-Forwarded-For: 127.0.0.1"}, 401},
		{"made token: forwarded read, Via", withoutTokens, read, []header{"Via: 1.1 proxy"}, 401},
		{"operator token only: local read", onlyOperator, read, nil, 401},
		{"viewer token only: local read", onlyViewer, read, nil, 401},
		{"names only: local read", onlyNames, read, nil, 401},
		{"names only: local read by name", onlyNames, read, []header{"Host: crons.example"}, 401},
		{"made token: local write", withoutTokens, write, nil, 401},
		{"made token: old token", withoutTokens, write, []header{asOperator}, 401},
		{"outward: read", outward, read, nil, 401},
		{"outward: read, viewer", outward, read, []header{asViewer}, 200},
		{"outward: read, operator", outward, read, []header{asOperator}, 200},
		{"outward: write", outward, write, nil, 401},
		{"outward: write, viewer", outward, write, []header{asViewer}, 403},
		{"outward: write, operator", outward, write, []header{asOperator}, 200},
		{"off: read", authOff, read, nil, 200},
		{"off: write", authOff, write, nil, 200},
		{"off: write from a foreign page", authOff, write, []header{"Origin: https://evil.example"}, 403},
		{"health needs no token", outward, "GET /livez", nil, 200},
		{"the greeting is the user's", outward, "GET /", nil, 200},
	}
	programs := map[string]*program{}
	for _, test := range tests {
		kind, _, _ := strings.Cut(test.name, ":")
		if programs[kind] == nil {
			programs[kind] = start(t, test.setup)
		}
		method, path, _ := strings.Cut(test.request, " ")
		a := programs[kind].do(method, path, "", test.headers...)
		if a.status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, a.status, test.status, a.body)
		}
		if challenge := a.header.Get("WWW-Authenticate"); a.status == 401 && !strings.HasPrefix(challenge, `Bearer realm="crons"`) {
			t.Errorf("%s: challenge %q", test.name, challenge)
		}
	}
}

func TestWithoutTokenNothingStarts(t *testing.T) {
	// As many wrong tokens are more than one server hears.
	several := []*program{start(t, someJobs), start(t, someJobs)}
	p := several[0]
	body := map[string]string{"/crons/{name}/backfill": `{"from":"2026-01-01T00:00:00Z","to":"2026-01-04T00:00:00Z"}`}
	writes := 0
	for path, methods := range p.describe().paths {
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			if method == http.MethodGet || strings.HasPrefix(path, "/crons/log") {
				continue
			}
			target := strings.NewReplacer("{name}", "backup", "{id}", "none").Replace(path)
			for _, headers := range [][]header{{jsonBody}, {jsonBody, "Authorization: Bearer no"}, {jsonBody, "Cookie: crons_0=AAAA"}, {jsonBody, asViewer}} {
				a := several[writes%2].do(method, target, body[path], headers...)
				if a.status != 401 && !(a.status == 403 && headers[len(headers)-1] == asViewer) {
					t.Errorf("%s %s with %v: status %d", method, target, headers, a.status)
				}
			}
			writes++
		}
	}
	if writes < 6 {
		t.Errorf("only %d writes were tried", writes)
	}
	for _, p := range several {
		if runs, err := p.app.Crons.Records(t.Context(), contract.Query{}); err != nil || len(runs) != 0 {
			t.Errorf("%v %v", runs, err)
		}
		if entries, err := p.app.Store.Audits(t.Context(), "", 0, 10); err != nil || len(entries) != 0 {
			t.Errorf("%v %v", entries, err)
		}
		for _, job := range decode[[]ops.JobView](t, p.read("/crons")) {
			if job.Paused {
				t.Errorf("%s was paused", job.Name)
			}
		}
	}
}

func TestEveryChangeIsAudited(t *testing.T) {
	p := start(t, someJobs)
	p.write("/crons/backup/pause", `{"reason":"x"}`, "X-Request-ID: the-first", "X-Forwarded-For: 192.0.2.7\x80").want(t, 200)
	p.write("/crons/backup/resume", "").want(t, 200)
	run := decode[cron.Record](t, p.write("/crons/stay/run", `{"key":"k"}`).want(t, 202))
	p.write("/crons/runs/"+run.ID+"/cancel", "")
	p.eventually(func() bool { return decode[cron.Record](t, p.read("/crons/runs/"+run.ID)).Status.Ended() })
	p.write("/crons/runs/"+run.ID+"/retry", "").want(t, 202)
	p.write("/crons/backup/backfill", `{"from":"2026-01-01T00:00:00Z","to":"2026-01-02T00:00:00Z"}`).want(t, 202)
	p.write("/crons/none/pause", "").want(t, 404)
	p.write("/crons/backup/pause", `{"x":1}`).want(t, 400)

	entries := decode[[]contract.AuditEntry](t, p.read("/crons/audit").want(t, 200))
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

	page := p.read("/crons/audit?target=backup&limit=2").want(t, 200)
	if n := len(decode[[]contract.AuditEntry](t, page)); n != 2 || !nextPage.MatchString(page.header.Get("Link")) {
		t.Fatalf("%d entries, Link %q", n, page.header.Get("Link"))
	}
	last := p.read(nextPage.FindStringSubmatch(page.header.Get("Link"))[1]).want(t, 200)
	if rest := decode[[]contract.AuditEntry](t, last); len(rest) != 1 || rest[0].ID != entries[5].ID || last.header.Get("Link") != "" {
		t.Errorf("%+v", rest)
	}
}

func TestInstances(t *testing.T) {
	p := start(t, nil)
	p.eventually(func() bool {
		list := decode[[]contract.InstanceInfo](t, p.read("/crons/instances").want(t, 200))
		return len(list) == 1 && list[0].PID > 0 && list[0].TZData == schedule.DataVersion() && list[0].StoppedAt.IsZero()
	})
}
