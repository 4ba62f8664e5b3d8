// Package mail is the part that sends alerts by email.
package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"html/template"
	"net"
	netmail "net/mail"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	gomail "github.com/wneessen/go-mail"

	"fibercrons/app/alert"
	"fibercrons/app/internal/texts"
)

func init() {
	alert.Mails.Register("mail", func(s alert.Settings) (alert.Channel, error) {
		return Email(s.SMTP, s.EmailFrom, s.EmailTo, s.Dial)
	})
}

// mailFor limits the whole exchange with a mail server.
const mailFor = 15 * time.Second

type email struct {
	host     string
	port     int
	user     string
	password string
	tls      string // none, starttls or implicit
	from     *netmail.Address
	to       []*netmail.Address
	dial     alert.Dial
	roots    *tls.Config
}

// Email returns a channel that sends mail through the SMTP server of address:
//
//	smtp://user:password@mail.example.com:587    STARTTLS, which the server must have
//	smtp://mail.internal:25?tls=none             without encryption, and so without a password
//	smtps://user:password@mail.example.com:465   TLS from the first byte
//
// From is an address as in a mail's header, to a list of them separated by commas.
func Email(address, from, to string, dial alert.Dial) (alert.Channel, error) {
	return newEmail(address, from, to, dial, nil)
}

func newEmail(address, from, to string, dial alert.Dial, roots *tls.Config) (alert.Channel, error) {
	e := email{dial: dial, tls: "starttls", port: 587, roots: roots}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("not an smtp:// or smtps:// URL")
	}
	e.host, e.user = u.Hostname(), u.User.Username()
	e.password, _ = u.User.Password()
	if u.Scheme == "smtps" {
		e.tls, e.port = "implicit", 465
	}
	if text := u.Port(); text != "" {
		if e.port, err = strconv.Atoi(text); err != nil || e.port < 1 || e.port > 65535 {
			return nil, errors.New("the URL of the SMTP server has an invalid port")
		}
	}
	if mode := u.Query().Get("tls"); mode != "" {
		if mode != "starttls" && mode != "none" || u.Scheme == "smtps" {
			return nil, errors.New("?tls= must be starttls or none, and is for smtp:// only")
		}
		e.tls = mode
	}
	if e.tls == "none" && e.user != "" {
		return nil, errors.New("a password over a connection without encryption; leave out ?tls=none, or user and password")
	}
	if e.from, err = netmail.ParseAddress(from); err != nil {
		return nil, errors.New("not an address to send mail from")
	}
	if e.to, err = netmail.ParseAddressList(to); err != nil {
		return nil, errors.New("not a list of addresses to send mail to")
	}
	if dial == nil {
		e.dial = new(net.Dialer).DialContext
	}
	return e, nil
}

// Name implements [alert.Channel].
func (email) Name() string { return "email" }

// Send implements [alert.Channel].
func (e email) Send(ctx context.Context, m alert.Message) error {
	msg, err := e.mail(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailFor)
	defer cancel()
	line := &line{}
	defer line.close()                         // go-mail does not close it if TLS or login fails
	defer context.AfterFunc(ctx, line.close)() // go-mail ignores the context after dialing
	connect := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := e.connect(dialing, network, address)
		return line.hold(conn), err
	}
	policy := map[string]gomail.TLSPolicy{"none": gomail.NoTLS, "starttls": gomail.TLSMandatory, "implicit": gomail.TLSOpportunistic}[e.tls]
	options := []gomail.Option{
		gomail.WithPort(e.port), gomail.WithTimeout(mailFor), gomail.WithHELO(helo(e.from)), gomail.WithDialContextFunc(connect),
		gomail.WithTLSPolicy(policy), gomail.WithTLSConfig(e.tlsConfig()),
	}
	if e.user != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(e.user), gomail.WithPassword(e.password))
	}
	client, err := gomail.NewClient(e.host, options...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", e.host, err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return e.refused(err)
	}
	return nil
}

// connect dials, with a TLS handshake for smtps.
func (e email) connect(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := e.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if e.tls != "implicit" {
		return conn, nil
	}
	secure := tls.Client(conn, e.tlsConfig())
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

func (e email) tlsConfig() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if e.roots != nil {
		c = e.roots.Clone()
	}
	c.ServerName = e.host
	return c
}

// refused separates permanent from temporary refusals of a server (RFC 5321, section 4.2.1). The server's text is cut,
// because it may repeat what it received.
func (e email) refused(err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if e.password != "" {
		text = strings.ReplaceAll(text, e.password, "[hidden]")
	}
	out := &alert.RefusedError{Err: fmt.Errorf("mail server %s: %s", e.host, texts.Ellipsis(text, 200))}
	if sent, ok := errors.AsType[*gomail.SendError](err); ok {
		out.Setup = !sent.IsTemp()
	}
	return out
}

func helo(from *netmail.Address) string {
	if _, domain, ok := strings.Cut(from.Address, "@"); ok {
		return domain
	}
	return "localhost"
}

// mail builds the message. No header can be injected: the subject is one line, and the addresses are configured.
func (e email) mail(m alert.Message) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(e.to...)
	msg.Subject(oneLine(texts.Ellipsis(m.Title, 200)))
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(m.ID + "@" + helo(e.from))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetGenHeader(gomail.Header(alert.HeaderDelivery), m.ID)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text())
	var b strings.Builder
	if err := mailPage.Execute(&b, &m); err != nil {
		return nil, err
	}
	msg.AddAlternativeString(gomail.TypeTextHTML, b.String())
	return msg, nil
}

// oneLine removes line ends and terminal control characters.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

var mailPage = template.Must(template.New("mail").Funcs(template.FuncMap{"instant": texts.Instant}).Parse(`<!doctype html>
<html><body style="font-family: sans-serif; font-size: 14px">
<p><b>{{.Title}}</b></p>
{{if .Test}}<p>This is a test message. Nothing has happened.</p>{{end}}
{{range $a := .Lines}}<p>{{with $a.Link}}<a href="{{.}}">{{$a.About}}</a>{{else}}<b>{{$a.About}}</b>{{end}}{{$a.Space}}{{$a.Detail}}, {{instant $a.At}}{{if $a.Slot}} (slot {{instant $a.Slot}}){{end}}</p>
{{if $a.Error}}<pre style="white-space: pre-wrap; border-left: 3px solid #c33; padding-left: 8px">{{$a.Error}}</pre>{{end}}{{end}}
{{if .More}}<p>and {{.More}} more{{with $.Link nil}}: <a href="{{.}}">{{.}}</a>{{end}}</p>{{end}}
</body></html>
`))

// line is a connection that another goroutine can close.
type line struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (l *line) hold(conn net.Conn) net.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn = conn; l.closed && conn != nil {
		_ = conn.Close()
	}
	return conn
}

func (l *line) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed = true; l.conn != nil {
		_ = l.conn.Close()
	}
}
