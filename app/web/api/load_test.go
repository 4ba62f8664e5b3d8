package api_test

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/internal/webtest"
)

// Handlers hand texts of a request to jobs and database. Each must get the ones of its own request.
func TestConcurrentTriggersKeepTheirNames(t *testing.T) {
	many := 10_000
	if testing.Short() || crontest.UnderRace {
		many = 1000
	}
	p := webtest.Start(t, webtest.ManyJobs(many))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < many; i = int(next.Add(1)) - 1 {
				name := fmt.Sprintf("job-%05d", i)
				a, err := p.Try("POST", "/crons/"+name+"/run", `{"key":"key of `+name+`"}`, webtest.AsOperator, webtest.JSONBody, "X-Request-ID: for-"+name)
				if err != nil || a.Status != 202 && a.Status != 200 || !strings.Contains(a.Body, `"job":"`+name+`"`) {
					t.Errorf("%s: %d %v %s", name, a.Status, err, a.Body)
					return
				}
			}
		})
	}
	wg.Wait()

	seen := map[string]bool{}
	for query := (contract.Query{Limit: 1000}); ; {
		runs, err := p.App.Crons.Records(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for _, run := range runs {
			if seen[run.Job] || run.Key != "key of "+run.Job {
				t.Fatalf("%s has the key %q, seen before: %t", run.Job, run.Key, seen[run.Job])
			}
			seen[run.Job] = true
		}
		if len(runs) < query.Limit {
			break
		}
		query.Before = runs[len(runs)-1].ID
	}
	if len(seen) != many {
		t.Errorf("%d names were stored, want %d", len(seen), many)
	}
	for path := "/crons/audit?limit=500"; path != ""; {
		a := p.Read(path).Want(t, 200)
		for _, e := range webtest.Decode[[]contract.AuditEntry](t, a) {
			if e.RequestID != "for-"+e.Target || !strings.Contains(string(e.After), "key of "+e.Target) {
				t.Fatalf("%+v %s", e, e.After)
			}
		}
		path = ""
		if m := nextPage.FindStringSubmatch(a.Header.Get("Link")); m != nil {
			path = m[1]
		}
	}
}

// plain serves body from a bare Fiber application: what there is to be had.
func plain(t testing.TB, body string) (addr string) {
	t.Helper()
	app := fiber.New(fiber.Config{DisableStartupMessage: true})
	app.Get("/crons", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
		return c.SendString(body)
	})
	return webtest.Serve(t, app)
}

// rate is how many GET /crons addr answers in a second, asked over 64 connections.
func rate(b *testing.B, addr string, d time.Duration) float64 {
	b.Helper()
	host := &fasthttp.HostClient{Addr: addr, MaxConns: 64, Dial: func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }}
	defer host.CloseIdleConnections()
	var answered atomic.Int64
	var wg sync.WaitGroup
	begin := time.Now()
	for range 64 {
		wg.Go(func() {
			req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
			defer fasthttp.ReleaseRequest(req)
			defer fasthttp.ReleaseResponse(resp)
			req.SetRequestURI("http://" + addr + "/crons")
			for time.Since(begin) < d {
				if err := host.Do(req, resp); err != nil || resp.StatusCode() != http.StatusOK || len(resp.Body()) < 100_000 {
					b.Errorf("%v: status %d, %d bytes", err, resp.StatusCode(), len(resp.Body()))
					return
				}
				answered.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(answered.Load()) / time.Since(begin).Seconds()
}

// The list of 1,000 jobs over 64 connections, beside plain Fiber with the same bytes: a quarter of
// its rate, at least, is what we ask for. Both take turns, so that the machine is the same to both.
func BenchmarkListBesidePlainFiber(b *testing.B) {
	for name, every := range map[string]string{"quiet": "@yearly", "20 jobs run every second": "@every 1s"} {
		b.Run(name, func(b *testing.B) {
			p := webtest.Start(b, func(set *webtest.Setup) {
				webtest.ManyJobs(980)(set)
				for i := range 20 {
					set.Registry.Register(fmt.Sprintf("often-%02d", i), every, webtest.Succeed)
				}
			})
			bare := plain(b, p.Do("GET", "/crons", "", webtest.AsViewer).Want(b, 200).Body)
			var ours, theirs float64
			for b.Loop() {
				theirs += rate(b, bare, time.Second)
				ours += rate(b, p.Addr(), time.Second)
			}
			b.ReportMetric(ours/float64(b.N), "answers/s")
			b.ReportMetric(theirs/float64(b.N), "plain/s")
			b.ReportMetric(ours/theirs, "ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// One GET /crons of 1,000 jobs by one caller: when nothing has changed since the last, and when
// something has; 5 ms is what we ask for.
func BenchmarkListJobs(b *testing.B) {
	for name, change := range map[string]bool{"unchanged": false, "changed": true} {
		b.Run(name, func(b *testing.B) {
			p := webtest.Start(b, webtest.ManyJobs(1000))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if change {
					b.StopTimer()
					pause := contract.Pause{Job: "job-00007", Resume: i%2 == 1}
					if _, err := p.App.Crons.Pause(b.Context(), pause); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				if a, err := p.Try("GET", "/crons", "", webtest.AsViewer); err != nil || a.Status != 200 {
					b.Fatal(a.Status, err)
				}
			}
		})
	}
}

// Concurrent readers share an answer, and no answer is older than its question.
func TestSharedListIsNeverOlderThanItsQuestion(t *testing.T) {
	p := webtest.Start(t, webtest.ManyJobs(50))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 { // to share answers with
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if a, err := p.Try("GET", "/crons", "", webtest.AsViewer); err != nil || a.Status != 200 {
						t.Errorf("%d %v", a.Status, err)
						return
					}
				}
			}
		})
	}
	for i := range 20 {
		action := []string{"pause", "resume"}[i%2]
		p.Write("/crons/job-00007/"+action, "").Want(t, 200)
		a, err := p.Try("GET", "/crons", "", webtest.AsViewer)
		if err != nil {
			t.Fatal(err)
		}
		if want := `"paused":` + strconv.FormatBool(action == "pause"); !strings.Contains(between(a.Body, `"name":"job-00007"`, `"name":"job-00008"`), want) {
			t.Fatalf("after %s the list does not say %s", action, want)
		}
	}
	close(done)
	wg.Wait()
}

func between(text, begin, end string) string {
	_, text, _ = strings.Cut(text, begin)
	text, _, _ = strings.Cut(text, end)
	return text
}
