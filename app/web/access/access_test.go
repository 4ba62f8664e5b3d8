package access_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"fibercrons/app/contract"
	"fibercrons/app/internal/webtest"
	"fibercrons/app/ops"
)

func onlyOperator(set *webtest.Setup) { delete(set.Env, "CRON_VIEWER_TOKEN") }

func onlyViewer(set *webtest.Setup) { delete(set.Env, "CRON_OPERATOR_TOKEN") }

func onlyNames(set *webtest.Setup) {
	webtest.WithoutTokens(set)
	set.Env["CRON_ALLOWED_HOSTS"] = "crons.example"
}

// Reads are open on loopback as long as no token and no name is configured. Writes need the operator token
// everywhere.
func TestWhoMayWhat(t *testing.T) {
	const read, write = "GET /crons", "POST /crons/hello/resume"
	tests := []struct {
		name    string
		setup   func(*webtest.Setup)
		request string
		headers []webtest.Header
		status  int
	}{
		{"local read", nil, read, nil, 401}, // a proxy on this machine may have sent it
		{"local read, viewer", nil, read, []webtest.Header{webtest.AsViewer}, 200},
		{"local write", nil, write, nil, 401},
		{"local write, viewer", nil, write, []webtest.Header{webtest.AsViewer}, 403},
		{"local write, operator", nil, write, []webtest.Header{webtest.AsOperator}, 200},
		{"local write, scheme in lower case", nil, write, []webtest.Header{"Authorization: bearer " + webtest.OperatorToken}, 200},
		{"local read, wrong token", nil, read, []webtest.Header{"Authorization: Bearer wrong"}, 401},
		{"local read, empty token", nil, read, []webtest.Header{"Authorization: Bearer "}, 401},
		{"local write, wrong token", nil, write, []webtest.Header{"Authorization: Bearer " + webtest.OperatorToken + "x"}, 401},
		{"local write, part of the token", nil, write, []webtest.Header{"Authorization: Bearer " + webtest.OperatorToken[:10]}, 401},
		{"local write, token as a password", nil, write, []webtest.Header{"Authorization: Basic " + webtest.OperatorToken}, 401},
		{"local write, token in the query", nil, write + "?token=" + webtest.OperatorToken, nil, 401},
		{"local read, a proxy's password", nil, read, []webtest.Header{"Authorization: Basic dXNlcjpwYXNz"}, 401},
		{"forwarded read", nil, read, []webtest.Header{"X-Forwarded-For: 127.0.0.1"}, 401},
		{"forwarded read, odd header", nil, read, []webtest.Header{"X-Forwarded-Anything: 1"}, 401},
		{"forwarded read, RFC 7239", nil, read, []webtest.Header{"Forwarded: for=127.0.0.1"}, 401},
		{"forwarded read, Via", nil, read, []webtest.Header{"Via: 1.1 proxy"}, 401},
		{"forwarded read, X-Real-IP", nil, read, []webtest.Header{"X-Real-IP: 127.0.0.1"}, 401},
		{"forwarded read, viewer", nil, read, []webtest.Header{"Via: 1.1 proxy", webtest.AsViewer}, 200},
		{"made token: local read", webtest.WithoutTokens, read, nil, 200},
		{"made token: local read, a proxy's password", webtest.WithoutTokens, read, []webtest.Header{"Authorization: Basic dXNlcjpwYXNz"}, 200},
		{"made token: local read by a foreign name", webtest.WithoutTokens, read, []webtest.Header{"Host: crons.example"}, 403},
		{"made token: forwarded read", webtest.WithoutTokens, read, []webtest.Header{"X-Forwarded-For: 127.0.0.1"}, 401},
		{"made token: forwarded read, Via", webtest.WithoutTokens, read, []webtest.Header{"Via: 1.1 proxy"}, 401},
		{"operator token only: local read", onlyOperator, read, nil, 401},
		{"viewer token only: local read", onlyViewer, read, nil, 401},
		{"names only: local read", onlyNames, read, nil, 401},
		{"names only: local read by name", onlyNames, read, []webtest.Header{"Host: crons.example"}, 401},
		{"made token: local write", webtest.WithoutTokens, write, nil, 401},
		{"made token: old token", webtest.WithoutTokens, write, []webtest.Header{webtest.AsOperator}, 401},
		{"outward: read", webtest.Outward, read, nil, 401},
		{"outward: read, viewer", webtest.Outward, read, []webtest.Header{webtest.AsViewer}, 200},
		{"outward: read, operator", webtest.Outward, read, []webtest.Header{webtest.AsOperator}, 200},
		{"outward: write", webtest.Outward, write, nil, 401},
		{"outward: write, viewer", webtest.Outward, write, []webtest.Header{webtest.AsViewer}, 403},
		{"outward: write, operator", webtest.Outward, write, []webtest.Header{webtest.AsOperator}, 200},
		{"off: read", webtest.AuthOff, read, nil, 200},
		{"off: write", webtest.AuthOff, write, nil, 200},
		{"off: write from a foreign page", webtest.AuthOff, write, []webtest.Header{"Origin: https://evil.example"}, 403},
		{"health needs no token", webtest.Outward, "GET /livez", nil, 200},
		{"the greeting is the user's", webtest.Outward, "GET /", nil, 200},
	}
	programs := map[string]*webtest.Program{}
	for _, test := range tests {
		kind, _, _ := strings.Cut(test.name, ":")
		if programs[kind] == nil {
			programs[kind] = webtest.Start(t, test.setup)
		}
		method, path, _ := strings.Cut(test.request, " ")
		a := programs[kind].Do(method, path, "", test.headers...)
		if a.Status != test.status {
			t.Errorf("%s: status %d, want %d: %s", test.name, a.Status, test.status, a.Body)
		}
		if challenge := a.Header.Get("WWW-Authenticate"); a.Status == 401 && !strings.HasPrefix(challenge, `Bearer realm="crons"`) {
			t.Errorf("%s: challenge %q", test.name, challenge)
		}
	}
}

func TestWithoutTokenNothingStarts(t *testing.T) {
	// As many wrong tokens are more than one server hears.
	several := []*webtest.Program{webtest.Start(t, webtest.SomeJobs), webtest.Start(t, webtest.SomeJobs)}
	p := several[0]
	body := map[string]string{"/crons/{name}/backfill": `{"from":"2026-01-01T00:00:00Z","to":"2026-01-04T00:00:00Z"}`}
	writes := 0
	for path, methods := range p.Describe().Paths {
		for _, method := range slices.Sorted(maps.Keys(methods)) {
			if method == http.MethodGet || strings.HasPrefix(path, "/crons/log") {
				continue
			}
			target := strings.NewReplacer("{name}", "backup", "{id}", "none").Replace(path)
			for _, headers := range [][]webtest.Header{{webtest.JSONBody}, {webtest.JSONBody, "Authorization: Bearer no"}, {webtest.JSONBody, "Cookie: crons_0=AAAA"}, {webtest.JSONBody, webtest.AsViewer}} {
				a := several[writes%2].Do(method, target, body[path], headers...)
				if a.Status != 401 && !(a.Status == 403 && headers[len(headers)-1] == webtest.AsViewer) {
					t.Errorf("%s %s with %v: status %d", method, target, headers, a.Status)
				}
			}
			writes++
		}
	}
	if writes < 6 {
		t.Errorf("only %d writes were tried", writes)
	}
	for _, p := range several {
		if runs, err := p.App.Crons.Records(t.Context(), contract.Query{}); err != nil || len(runs) != 0 {
			t.Errorf("%v %v", runs, err)
		}
		if entries, err := p.App.Store.Audits(t.Context(), "", 0, 10); err != nil || len(entries) != 0 {
			t.Errorf("%v %v", entries, err)
		}
		for _, job := range webtest.Decode[[]ops.JobView](t, p.Read("/crons")) {
			if job.Paused {
				t.Errorf("%s was paused", job.Name)
			}
		}
	}
}
