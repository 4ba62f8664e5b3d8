package env

import (
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Alerts are the rules for alerts and their channels. Without a channel nothing is sent.
type Alerts struct {
	// On lists the alerts of jobs without their own rule; empty for "none".
	On AlertKinds `env:"ALERT_ON" envDefault:"failed,recovered" want:"some of failed, recovered, late, missed, overdue separated by commas, or none" about:"Which alerts a job without Alert has: some of failed, recovered, late, missed, overdue; or none."`
	// LateAfter is above 0.
	LateAfter time.Duration `env:"ALERT_LATE_AFTER" envDefault:"5m" want:"a duration up to 24h such as 5m" about:"With late in ALERT_ON, a run is late if it has not started this long after its slot."`
	// OverdueFactor is above 1.
	OverdueFactor float64 `env:"ALERT_OVERDUE_FACTOR" envDefault:"3" want:"a number above 1 up to 1000" about:"With overdue in ALERT_ON, a run is overdue after this multiple of its job's p95 duration."`

	WebhookURL    Secret `env:"ALERT_WEBHOOK_URL" want:"an https:// URL" about:"Where alerts are posted as JSON."`
	WebhookSecret Secret `env:"ALERT_WEBHOOK_SECRET" want:"16 characters or more; make one with: openssl rand -hex 32" about:"Key that signs webhook alerts (openssl rand -hex 32); empty leaves them unsigned."`
	SlackURL      Secret `env:"ALERT_SLACK_URL" want:"the https:// URL of an incoming webhook" about:"Incoming webhook of Slack, or of a service with the same API, to post alerts to."`
	EmailTo       string `env:"ALERT_EMAIL_TO" want:"mail addresses separated by commas" about:"Recipients of alert emails, separated by commas; needs ALERT_EMAIL_FROM, SMTP_URL and the part mail."`
	EmailFrom     string `env:"ALERT_EMAIL_FROM" want:"a mail address such as crons@example.com" about:"Sender address of alert emails."`
	// SMTP is secret as a whole because the URL carries a password.
	SMTP Secret `env:"SMTP_URL" want:"smtp://user:password@host:587, smtps://user:password@host:465, or smtp://host:25?tls=none" about:"Mail server: smtp://user:password@host:587 (STARTTLS), smtps:// (TLS), or smtp://host:25?tls=none."`

	// Link has no slash at its end.
	Link string `env:"ALERT_LINK" want:"a URL such as https://crons.example.com" about:"Public URL of this server, such as https://crons.example.com; alerts then link to runs."`
}

// AlertKinds is a list of kinds of alerts.
type AlertKinds []string

var alertKinds = []string{"failed", "recovered", "late", "missed", "overdue"}

// UnmarshalText accepts kinds separated by commas, or none.
func (k *AlertKinds) UnmarshalText(text []byte) error {
	var list AlertKinds
	for kind := range strings.SplitSeq(strings.ToLower(string(text)), ",") {
		switch kind = strings.TrimSpace(kind); {
		case kind == "none":
			if strings.Contains(string(text), ",") {
				return &problem{what: "none together with other kinds"}
			}
		case !slices.Contains(alertKinds, kind):
			return &problem{what: "not a list of kinds of alerts"}
		case !slices.Contains(list, kind):
			list = append(list, kind)
		}
	}
	*k = list
	return nil
}

// Has reports whether the list has the kind.
func (k AlertKinds) Has(kind string) bool { return slices.Contains(k, kind) }

// String returns the list as written in the variable.
func (k AlertKinds) String() string {
	if len(k) == 0 {
		return "none"
	}
	return strings.Join(k, ",")
}

func (k *checker) alerts(a *Alerts) {
	a.Link = strings.TrimRight(a.Link, "/")

	k.refuse(a.LateAfter <= 0 || a.LateAfter > 24*time.Hour, "ALERT_LATE_AFTER", "not above 0 and up to 24h", "")
	k.refuse(!(a.OverdueFactor > 1 && a.OverdueFactor <= 1000), "ALERT_OVERDUE_FACTOR", "not above 1 and up to 1000", "")
	k.refuse(a.WebhookURL.IsSet() && !isWeb(a.WebhookURL.Reveal()), "ALERT_WEBHOOK_URL", "not an https:// or http:// URL", "")
	k.refuse(a.SlackURL.IsSet() && !isWeb(a.SlackURL.Reveal()), "ALERT_SLACK_URL", "not an https:// or http:// URL", "")
	k.refuse(a.WebhookSecret.IsSet() && len(a.WebhookSecret) < shortestToken, "ALERT_WEBHOOK_SECRET", "shorter than 16 characters", makeToken)
	k.refuse(a.WebhookSecret.IsSet() && !a.WebhookURL.IsSet(), "ALERT_WEBHOOK_SECRET", "has no effect without ALERT_WEBHOOK_URL", "set ALERT_WEBHOOK_URL, or remove it")
	k.refuse(a.Link != "" && !isWeb(a.Link), "ALERT_LINK", "not an https:// or http:// URL", "")
	k.mail(a)
}

func (k *checker) mail(a *Alerts) {
	if a.EmailTo != "" {
		_, err := mail.ParseAddressList(a.EmailTo)
		k.refuse(err != nil, "ALERT_EMAIL_TO", "not a list of mail addresses", "")
		k.refuse(a.EmailFrom == "", "ALERT_EMAIL_TO", "has no effect without ALERT_EMAIL_FROM", "set ALERT_EMAIL_FROM too")
		k.refuse(!a.SMTP.IsSet(), "ALERT_EMAIL_TO", "has no effect without SMTP_URL", "set SMTP_URL too")
	}
	if a.EmailFrom != "" {
		_, err := mail.ParseAddress(a.EmailFrom)
		k.refuse(err != nil, "ALERT_EMAIL_FROM", "not a mail address", "")
	}
	if !a.SMTP.IsSet() {
		return
	}
	u, err := url.Parse(a.SMTP.Reveal())
	k.refuse(err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps", "SMTP_URL", "not an smtp:// or smtps:// URL", "")
	if err != nil {
		return
	}
	mode := u.Query().Get("tls")
	k.refuse(mode != "" && (u.Scheme == "smtps" || mode != "starttls" && mode != "none"), "SMTP_URL", "neither ?tls=starttls nor ?tls=none", "")
	k.refuse(mode == "none" && u.User != nil, "SMTP_URL", "a password over a connection without encryption", "leave out ?tls=none, or user and password")
}

func isWeb(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Hostname() != "" && (u.Scheme == "https" || u.Scheme == "http")
}
