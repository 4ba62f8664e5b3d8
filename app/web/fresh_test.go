package web_test

import (
	"context"
	"sync/atomic"
	"testing/synctest"
	"time"

	"strconv"
	"strings"
	"sync"
	"testing"

	"fibercrons/app/crontest"
	"fibercrons/app/web"
)

// Many who ask at one time share an answer, and still each sees what was there when he asked.
func TestSharedListIsNeverOlderThanItsQuestion(t *testing.T) {
	p := start(t, manyJobs(50))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 { // the crowd to share with
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if a, err := p.try("GET", "/crons", "", asViewer); err != nil || a.status != 200 {
						t.Errorf("%d %v", a.status, err)
						return
					}
				}
			}
		})
	}
	for i := range 20 {
		action := []string{"pause", "resume"}[i%2]
		p.write("/crons/job-00007/"+action, "").want(t, 200)
		a, err := p.try("GET", "/crons", "", asViewer)
		if err != nil {
			t.Fatal(err)
		}
		if want := `"paused":` + strconv.FormatBool(action == "pause"); !strings.Contains(between(a.body, `"name":"job-00007"`, `"name":"job-00008"`), want) {
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

// A list that takes long to make is handed out while the next one is being made, but not to those
// who have changed something themselves, and not for ever.
func TestSlowListIsHandedOutWhileTheNextIsMade(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		var changes, made atomic.Int64
		f := web.NewFresh(func(context.Context) (int64, error) { return changes.Add(1), nil }) // always out of date
		defer f.Close()
		ask := func() (string, time.Duration) {
			began := time.Now()
			body, err := f.Do(t.Context(), "list", func(context.Context) (string, time.Time, error) {
				time.Sleep(50 * time.Millisecond)
				return strconv.FormatInt(made.Add(1), 10), time.Now().Add(time.Hour), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return body, time.Since(began)
		}
		expect := func(when, want string, most time.Duration) {
			t.Helper()
			if got, took := ask(); got != want || took > most {
				t.Errorf("%s: answer %s after %s, want %s within %s", when, got, took, want, most)
			}
		}
		const atOnce = 0
		expect("first", "1", 50*time.Millisecond)
		expect("again", "1", atOnce)
		time.Sleep(100 * time.Millisecond)
		expect("when the next was made", "2", atOnce)
		synctest.Wait() // the third is being made
		f.Changed()
		expect("after a change", "4", 101*time.Millisecond) // what was being made may not have it
		time.Sleep(2 * time.Second)
		expect("much later", "5", 50*time.Millisecond)
	})
}
