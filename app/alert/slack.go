package alert

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"fibercrons/app/internal/texts"
)

type slack struct {
	to     *url.URL
	client *http.Client
}

// Slack returns a channel that posts to an incoming webhook of Slack, or of a service with the same API: Mattermost,
// Rocket.Chat, Discord with /slack at the end of its URL.
func Slack(address string, client *http.Client) (Channel, error) {
	to, err := webAddress(address)
	if err != nil {
		return nil, err
	}
	return slack{to, client}, nil
}

// Name implements [Channel].
func (slack) Name() string { return "slack" }

// Limits of Slack (https://docs.slack.dev/reference/block-kit/blocks/section-block).
const (
	slackSection = 3000
	slackTitle   = 300
)

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackBlock struct {
	Type string     `json:"type"`
	Text *slackText `json:"text,omitempty"`
}

// Send implements [Channel]. Slack does not deduplicate; the header is for compatible services.
func (s slack) Send(ctx context.Context, m Message) error {
	title := slackEscape(texts.Ellipsis(m.Title, slackTitle))
	body := struct {
		Text   string       `json:"text"` // for notifications and clients without blocks
		Blocks []slackBlock `json:"blocks"`
	}{Text: title}
	section := func(text string) {
		body.Blocks = append(body.Blocks, slackBlock{"section", &slackText{"mrkdwn", text}})
	}
	section("*" + title + "*")
	if m.Test {
		section("This is a test message. Nothing has happened.")
	}
	var b strings.Builder
	for _, l := range m.Lines() {
		text := slackLine(&l)
		if b.Len()+len(text) > slackSection {
			section(b.String())
			b.Reset()
		}
		b.WriteString(text)
	}
	if b.Len() > 0 {
		section(b.String())
	}
	if n := m.More(); n > 0 {
		more := fmt.Sprintf("and %d more", n)
		if link := m.Link(nil); link != "" {
			more = "<" + link + "|" + more + ">"
		}
		section(more)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return post(ctx, s.client, s.to, http.Header{"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"fibercrons"}, HeaderDelivery: {m.ID}}, raw)
}

func slackLine(l *Line) string {
	about := slackEscape(l.About)
	name := "*" + about + "*"
	if l.Link != "" {
		name = "<" + l.Link + "|" + about + ">"
	}
	text := "• " + name + l.Space() + slackEscape(texts.Ellipsis(l.Detail, 250)) + ", " + texts.Instant(l.At)
	if l.Error != "" {
		// A code fence in the text would end the block.
		text += "\n```" + strings.ReplaceAll(slackEscape(texts.Ellipsis(l.Error, 400)), "```", "'''") + "```"
	}
	return text + "\n"
}

// slackEscape prevents links and mentions such as <!channel>.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
