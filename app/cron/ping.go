package cron

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// PingForm is the protocol of a dead man's switch.
type PingForm string

// The forms of pings.
const (
	// Healthchecks is the protocol of Healthchecks.io, the default: POST url/start when a run begins, url when it has
	// succeeded, and otherwise url/fail (or url/N, if a program exited with status N), with the end of its log as the
	// body and the run's ID as ?rid=.
	Healthchecks PingForm = "healthchecks"
	// OnlySuccess is for services with a single address: GET url when a run has succeeded, and nothing else.
	OnlySuccess PingForm = "only_success"
)

// PingTarget is the ping address of a job. Its URL is a secret, because anyone who has it can report success. It prints
// as its host.
type PingTarget struct {
	url  string
	Host string // of the URL, with its port
	Form PingForm
}

// URL returns the secret itself.
func (p *PingTarget) URL() string { return p.url }

// String returns the host.
func (p *PingTarget) String() string { return p.Host }

// GoString returns the host.
func (p *PingTarget) GoString() string { return p.Host }

// LogValue returns the host.
func (p *PingTarget) LogValue() slog.Value { return slog.StringValue(p.Host) }

// newPingTarget does not repeat the address in errors.
func newPingTarget(address string, form []PingForm) (*PingTarget, error) {
	const remedy = "as in https://hc-ping.com/your-uuid"
	p := &PingTarget{url: address, Form: Healthchecks}
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, errors.New("the address of Ping is empty; write one " + remedy + ", or leave Ping out")
	case err != nil || strings.TrimSpace(address) != address:
		return nil, errors.New("the address of Ping is not a URL; write one " + remedy)
	case u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "":
		return nil, errors.New("the address of Ping needs https:// and a host, " + remedy)
	case u.Fragment != "":
		return nil, errors.New("the address of Ping has a #, and the part after it would not be sent; write it " + remedy)
	case len(form) > 1:
		return nil, fmt.Errorf("Ping takes one form, not %d", len(form))
	}
	if p.Host = u.Host; len(form) == 1 {
		p.Form = form[0]
	}
	if p.Form != Healthchecks && p.Form != OnlySuccess {
		return nil, fmt.Errorf("ping form %q is unknown; use Healthchecks or OnlySuccess", p.Form)
	}
	return p, nil
}
