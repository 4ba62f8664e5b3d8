package cron

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
)

// PingForm is how a dead man's switch is told of runs.
type PingForm string

// The forms of pings.
const (
	// Healthchecks is the form of Healthchecks.io, the default: POST url/start when a run begins,
	// url when it has succeeded, url/fail when it has not (or url/N, when it failed by a program that
	// exited with status N), with the end of its log as the body and ?rid= the run's ID.
	Healthchecks PingForm = "healthchecks"
	// OnlySuccess is for services that have one address and wait for it to be called: GET url when
	// a run has succeeded, and nothing else.
	OnlySuccess PingForm = "only_success"
)

// PingTarget is where the runs of a job are told of. Its URL is a secret: whoever has it can say
// that all is well. It does not print.
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

// Ping tells a dead man's switch, such as Healthchecks.io, of every run of the job: that it has
// begun, and with its last attempt how it has ended. A run that was cancelled or interrupted has not
// succeeded, and says so; a slot that was skipped, and a run that ended before it began, say nothing.
// Runs by hand count, too. Pings go out beside the run, and whether they arrive changes nothing
// about it. An address that is not public has to be allowed by ALERT_ALLOWED_HOSTS.
func Ping(address string, form ...PingForm) Option {
	return func(d *definition) {
		target, err := newPingTarget(address, form)
		switch {
		case err != nil:
			d.mistake("%v", err)
		case d.ping != nil:
			d.mistake("Ping is given twice; a job has one")
		default:
			d.ping = target
		}
	}
}

// newPingTarget never repeats the address in an error.
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
		return nil, errors.New("the address of Ping has a # in it, and what follows would not be sent; write it " + remedy)
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
