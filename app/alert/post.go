package alert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// maxAnswer is how much of a response is read to reuse its connection.
const maxAnswer = 64 << 10

// post sends a body. Its errors name only the host, because paths and queries of webhooks are secrets.
func post(ctx context.Context, client *http.Client, to *url.URL, header http.Header, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s: invalid URL", to.Host)
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		var outer *url.Error // its text contains the URL
		if errors.As(err, &outer) {
			if outer.Timeout() {
				return fmt.Errorf("%s did not respond in time", to.Host)
			}
			err = outer.Err
		}
		return fmt.Errorf("%s: %w", to.Host, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer)) // the content is not needed
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	refused := &RefusedError{Err: fmt.Errorf("%s answered %d %s", to.Host, resp.StatusCode, http.StatusText(resp.StatusCode))}
	refused.After = retryAfter(resp.Header.Get("Retry-After"), time.Now())
	refused.Setup = resp.StatusCode < 500 && resp.StatusCode != http.StatusRequestTimeout && resp.StatusCode != http.StatusTooManyRequests
	return refused
}

// retryAfter parses seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil && seconds > 0 && seconds < 1<<20 {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}

// webAddress parses a URL, which may be secret, and does not repeat it in errors.
func webAddress(address string) (*url.URL, error) {
	to, err := url.Parse(address)
	if err != nil || to.Host == "" || to.Scheme != "https" && to.Scheme != "http" {
		return nil, errors.New("not an https:// or http:// URL")
	}
	return to, nil
}

// The headers of a webhook.
const (
	// HeaderTimestamp is the time of the request, in seconds since 1970.
	HeaderTimestamp = "X-Fibercrons-Timestamp"
	// HeaderSignature is "sha256=" and the hexadecimal HMAC-SHA256, with the secret as key, of timestamp, dot and body.
	HeaderSignature = "X-Fibercrons-Signature"
	// HeaderDelivery is the same for every attempt to send a message. Receivers that remember it for two days can
	// ignore duplicates.
	HeaderDelivery = "X-Fibercrons-Delivery"
)
