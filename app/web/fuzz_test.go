package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"fibercrons/app/internal/webtest"
)

// Whatever is sent, the answer is not a 5xx, and is JSON.
func FuzzBodyAndQuery(f *testing.F) {
	p := webtest.Start(f, webtest.SomeJobs)
	for _, body := range []string{``, `{}`, `{"args":{},"key":"a"}`, `{"args":[[[[`, `{"key":"\ud800"}`, `{"key":1e999}`, "\xff", `{"force":null}`, `{"key":"a"}{`} {
		for _, query := range []string{"", "wait=0s", "wait=-1s", "%", "a=b&a=c", "wait=%zz"} {
			f.Add(body, query)
		}
	}
	f.Fuzz(func(t *testing.T, body, query string) {
		if strings.ContainsFunc(query, func(r rune) bool { return r <= ' ' || r == '#' || r > '~' }) || strings.Contains(query, "wait=") && len(query) > 20 {
			return
		}
		req := httptest.NewRequest(http.MethodPost, "/crons/abroad/run", strings.NewReader(body))
		req.URL.RawQuery, req.Host = query, "localhost"
		req.Header.Set("Authorization", "Bearer "+webtest.OperatorToken)
		req.Header.Set("Content-Type", "application/json")
		resp, err := p.Fiber.Test(req, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); resp.StatusCode >= 500 || !strings.HasSuffix(kind, "json") {
			t.Errorf("%q %q: status %d as %s", query, body, resp.StatusCode, kind)
		}
	})
}
