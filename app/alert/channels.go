package alert

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"

	"fibercrons/app/part"
)

// Mails has the part "mail", which makes the channel for [Settings].EmailTo.
var Mails part.Kind[func(Settings) (Channel, error)]

// Settings are the channels from the environment. Empty fields mean no channel.
type Settings struct {
	WebhookURL, WebhookSecret string
	SlackURL                  string
	EmailTo, EmailFrom, SMTP  string

	// Client makes the requests, and Dial the connections to mail servers. They restrict targets and time. Optional.
	// Default: http.DefaultClient and net.Dialer.
	Client *http.Client
	Dial   Dial
}

// Dial opens a connection, like net.Dialer.DialContext.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// Channels returns the channels of the settings, and those added by [Use]. Its error names the variable.
func Channels(s Settings) ([]Channel, error) {
	client := cmp.Or(s.Client, http.DefaultClient)
	var channels []Channel
	var wrong error
	add := func(variable, value string, open func() (Channel, error)) {
		if value == "" || wrong != nil {
			return
		}
		c, err := open()
		if err != nil {
			wrong = fmt.Errorf("%s: %w", variable, err)
			return
		}
		channels = append(channels, c)
	}
	add("ALERT_WEBHOOK_URL", s.WebhookURL, func() (Channel, error) { return Webhook(s.WebhookURL, s.WebhookSecret, client) })
	add("ALERT_SLACK_URL", s.SlackURL, func() (Channel, error) { return Slack(s.SlackURL, client) })
	add("ALERT_EMAIL_TO", s.EmailTo, func() (Channel, error) {
		open, err := Mails.Find("ALERT_EMAIL_TO", "mail")
		if err != nil {
			return nil, err
		}
		return open(s)
	})
	if wrong != nil {
		return nil, wrong
	}
	channels = append(channels, Own()...)
	return channels, check(channels)
}
