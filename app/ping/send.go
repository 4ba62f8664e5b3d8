package ping

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fibercrons/app/cron"
	"fibercrons/app/outgoing"
)

// pauses are the delays before the retries.
var pauses = []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second}

// send sends a ping, with retries.
func (p *Pinger) send(l *lane, one ping) {
	body := p.body(l, one)
	for try := 0; ; try++ {
		err := p.exchange(l, one, body)
		if err == nil {
			p.arrived(l)
			return
		}
		var final *finalError
		if errors.As(err, &final) || try == len(pauses) || !p.pause(l, one, pauses[try]) {
			p.failed(l, err)
			return
		}
	}
}

// pause waits, and reports whether to retry. If Close begins during the wait, one retry follows at once; later there
// are none.
func (p *Pinger) pause(l *lane, one ping, d time.Duration) bool {
	select {
	case <-p.closing:
		return false
	default:
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		more := l.more
		if !one.start {
			more = nil
		} else if p.newer(l) {
			return false
		}
		select {
		case <-timer.C:
			return true
		case <-p.closing:
			return true
		case <-more:
		}
	}
}

func (p *Pinger) arrived(l *lane) {
	if l.failing {
		l.failing = false
		p.log.Info("pings of a job are delivered again", "job", l.job, "host", l.target.Host)
	}
}

func (p *Pinger) failed(l *lane, err error) {
	if !l.failing {
		l.failing = true
		p.log.Warn("pings of a job are not delivered; not logged again until they are", "job", l.job, "host", l.target.Host, "error", err)
	}
}

// finalError is an error that a retry would not change.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// exchange makes one attempt.
func (p *Pinger) exchange(l *lane, one ping, body string) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.ctx.Done():
		return errors.New("the process ended before it could be sent")
	}
	req, err := request(p.ctx, l.target, one, body)
	if err != nil {
		return &finalError{fmt.Errorf("call %s: the address is invalid", l.target.Host)}
	}
	got, err := outgoing.Do(p.client, req)
	var refused *outgoing.RefusedError
	switch {
	case errors.As(err, &refused):
		return &finalError{err}
	case err != nil:
		return err
	}
	if n, err := strconv.Atoi(got.Header.Get("Ping-Body-Limit")); err == nil && n > 0 {
		l.limit = min(n, maxBody)
	}
	return verdict(l.target, got)
}

// verdict returns nil if the response means that the ping was accepted. Healthchecks.io also responds 200 if it does
// not know the check, and says so in the body.
func verdict(target *cron.PingTarget, got outgoing.Answer) error {
	ok, text := got.Status/100 == 2, strings.TrimSpace(string(got.Body))
	switch {
	case ok && target.Form == cron.Healthchecks && text == "OK (not found)":
		return &finalError{fmt.Errorf("%s does not know the check that the job pings; correct the job's ping address", target.Host)}
	case ok && target.Form == cron.Healthchecks && text == "OK (rate limited)":
		return fmt.Errorf("%s limits the ping rate", target.Host)
	case ok:
		return nil
	}
	err := fmt.Errorf("%s answered %d %s", target.Host, got.Status, http.StatusText(got.Status))
	switch {
	case got.Status/100 != 4, got.Status == http.StatusRequestTimeout, got.Status == http.StatusTooEarly, got.Status == http.StatusTooManyRequests:
		return err
	}
	return &finalError{err}
}

// request builds the request in the target's protocol.
func request(ctx context.Context, target *cron.PingTarget, one ping, body string) (*http.Request, error) {
	if target.Form == cron.OnlySuccess {
		return http.NewRequestWithContext(ctx, http.MethodGet, target.URL(), http.NoBody)
	}
	u, err := url.Parse(target.URL())
	if err != nil {
		return nil, err
	}
	if word := suffix(one); word != "" {
		u = u.JoinPath(word)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "rid=" + url.QueryEscape(one.run.ID)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(body))
	if err == nil {
		req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	return req, err
}

// suffix is the word to append to the address.
func suffix(one ping) string {
	switch {
	case one.start:
		return "start"
	case one.run.Status == cron.Succeeded:
		return ""
	case one.exit > 0 && one.exit < 256:
		return strconv.Itoa(one.exit)
	}
	return "fail"
}
