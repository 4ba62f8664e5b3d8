package assembly

import (
	"fibercrons/app/alert"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/outgoing"
)

// Channels are those that the environment names. An error is about what it says.
func Channels(cfg env.Config) ([]alert.Channel, error) {
	c, reach := cfg.Alerts, Outgoing(cfg)
	return alert.Channels(alert.Settings{
		WebhookURL: c.WebhookURL.Reveal(), WebhookSecret: c.WebhookSecret.Reveal(), SlackURL: c.SlackURL.Reveal(),
		EmailTo: c.EmailTo, EmailFrom: c.EmailFrom, SMTP: c.SMTP.Reveal(),
		Client: outgoing.Client(reach), Dial: outgoing.DialContext(reach),
	})
}

// alertPolicy is what is told of jobs that do not say otherwise.
func alertPolicy(c env.Alerts) (p cron.AlertPolicy) {
	if c.On.Has("failed") {
		p.Failed = 1
	}
	if c.On.Has("late") {
		p.Late = c.LateAfter
	}
	if c.On.Has("overdue") {
		p.OverdueFactor = c.OverdueFactor
	}
	p.Missed, p.Recovered = c.On.Has("missed"), c.On.Has("recovered")
	return p
}
