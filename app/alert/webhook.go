package alert

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"fibercrons/app/cron"
)

// Payload is the body of a webhook.
type Payload struct {
	Version     int                    `json:"version"` // 1; increased when a member changes its meaning
	ID          string                 `json:"id"`      // as in the header
	Event       string                 `json:"event"`   // alert, digest or test
	Environment string                 `json:"environment"`
	At          time.Time              `json:"at"`
	Title       string                 `json:"title"`
	Total       int                    `json:"total"`
	Kinds       map[cron.AlertKind]int `json:"kinds"`
	Alerts      []PayloadAlert         `json:"alerts"` // at most the first 20, of each group at most three
	Groups      []Group                `json:"groups,omitempty"`
}

// PayloadAlert is one alert in a [Payload].
type PayloadAlert struct {
	ID       string         `json:"id"`
	Job      string         `json:"job"`
	Schedule string         `json:"schedule,omitempty"` // ID of the stored schedule
	Kind     cron.AlertKind `json:"kind"`
	Run      string         `json:"run,omitempty"`
	Slot     *time.Time     `json:"slot,omitempty"`
	At       time.Time      `json:"at"`
	Detail   string         `json:"detail"`
	Error    string         `json:"error,omitempty"`
	Number   int            `json:"number,omitempty"`
	URL      string         `json:"url,omitempty"`
}

type webhook struct {
	to     *url.URL
	secret []byte
	client *http.Client
}

// Webhook returns a channel that posts a [Payload] as JSON, signed with secret if that is not empty; see [Verify]. The
// client restricts targets and time.
func Webhook(address, secret string, client *http.Client) (Channel, error) {
	to, err := webAddress(address)
	if err != nil {
		return nil, err
	}
	return webhook{to, []byte(secret), client}, nil
}

// Name implements [Channel].
func (webhook) Name() string { return "webhook" }

// Send implements [Channel].
func (w webhook) Send(ctx context.Context, m Message) error {
	p := Payload{
		Version: 1, ID: m.ID, Event: "digest", Environment: m.Environment, At: m.At, Title: m.Title,
		Total: m.Total, Kinds: m.Kinds, Groups: m.Groups, Alerts: make([]PayloadAlert, len(m.Alerts)),
	}
	switch {
	case m.Test:
		p.Event = "test"
	case m.Total == 1:
		p.Event = "alert"
	}
	for i := range m.Alerts {
		a := &m.Alerts[i]
		p.Alerts[i] = PayloadAlert{a.ID, a.Job, a.Schedule, a.Kind, a.Run, a.Slot, a.At, a.Detail, a.Error, a.Number, m.Link(a)}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return err
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	header := http.Header{
		"Content-Type":  {"application/json; charset=utf-8"},
		"User-Agent":    {"fibercrons"},
		HeaderTimestamp: {stamp},
		HeaderDelivery:  {m.ID},
	}
	if len(w.secret) > 0 {
		header.Set(HeaderSignature, "sha256="+hex.EncodeToString(sign(w.secret, stamp, body)))
	}
	return post(ctx, w.client, w.to, header, body)
}

func sign(secret []byte, stamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(stamp))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// Verify is for receivers of webhooks: it checks that a request with this header and body was signed with secret within
// the given time, which limits how long a recorded request can be replayed. Five minutes are usual.
func Verify(header http.Header, body []byte, secret string, now time.Time, within time.Duration) error {
	stamp := header.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return fmt.Errorf("%s is missing or not a number of seconds", HeaderTimestamp)
	}
	if age := now.Sub(time.Unix(seconds, 0)); age.Abs() > within {
		return fmt.Errorf("%s differs from the current time by %s", HeaderTimestamp, age.Abs().Round(time.Second))
	}
	const scheme = "sha256="
	text := header.Get(HeaderSignature)
	given, err := hex.DecodeString(text[min(len(scheme), len(text)):])
	if err != nil || len(text) < len(scheme) || text[:len(scheme)] != scheme || secret == "" ||
		!hmac.Equal(given, sign([]byte(secret), stamp, body)) {
		return fmt.Errorf("%s does not match the body", HeaderSignature)
	}
	return nil
}
