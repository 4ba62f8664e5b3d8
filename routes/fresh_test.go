package routes_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"
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
					if a, err := p.try("GET", "/crons", ""); err != nil || a.status != 200 {
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
		a, err := p.try("GET", "/crons", "")
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
