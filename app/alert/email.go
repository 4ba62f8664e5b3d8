package alert

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

	"github.com/wneessen/go-mail"
)

// Dial opens a connection, as net.Dialer.DialContext does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// mailFor is how long the whole conversation with a mail server may take.
const mailFor = 15 * time.Second

type email struct {
	host     string
	port     int
	user     string
	password string
	tls      string // none, starttls or implicit
	from     *netmail.Address
	to       []*netmail.Address
	dial     Dial
	roots    *tls.Config
}

// Email returns a channel that sends mail through the SMTP server of address:
//
//	smtp://user:password@mail.example.com:587    STARTTLS, which the server must have
//	smtp://mail.internal:25?tls=none             without encryption, and so without a password
//	smtps://user:password@mail.example.com:465   TLS from the first byte
//
// From and to are addresses as in a mail's header, to with commas between.
func Email(address, from, to string, dial Dial) (Channel, error) {
	return newEmail(address, from, to, dial, nil)
}

func newEmail(address, from, to string, dial Dial, roots *tls.Config) (Channel, error) {
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
			return nil, errors.New("not a port in the URL of the SMTP server")
		}
	}
	if mode := u.Query().Get("tls"); mode != "" {
		if mode != "starttls" && mode != "none" || u.Scheme == "smtps" {
			return nil, errors.New("?tls= is starttls or none, and of smtp:// only")
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

// Name implements [Channel].
func (email) Name() string { return "email" }

// Send implements [Channel].
func (e email) Send(ctx context.Context, m Message) error {
	msg, err := e.mail(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, mailFor)
	defer cancel()
	line := &line{}
	defer line.close()                         // go-mail leaves it open when the server's TLS or login fails
	defer context.AfterFunc(ctx, line.close)() // what go-mail does after the dialing knows no context
	connect := func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := e.connect(dialing, network, address)
		return line.hold(conn), err
	}
	policy := map[string]mail.TLSPolicy{"none": mail.NoTLS, "starttls": mail.TLSMandatory, "implicit": mail.TLSOpportunistic}[e.tls]
	options := []mail.Option{
		mail.WithPort(e.port), mail.WithTimeout(mailFor), mail.WithHELO(helo(e.from)), mail.WithDialContextFunc(connect),
		mail.WithTLSPolicy(policy), mail.WithTLSConfig(e.tlsConfig()),
	}
	if e.user != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(e.user), mail.WithPassword(e.password))
	}
	client, err := mail.NewClient(e.host, options...)
	if err != nil {
		return fmt.Errorf("mail server %s: %w", e.host, err)
	}
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return e.refused(err)
	}
	return nil
}

// connect dials, also with TLS from the first byte.
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

// refused tells a server that says no for good from one that says later (RFC 5321, section 4.2.1).
// The text of a server is cut: it may repeat what it was sent.
func (e email) refused(err error) error {
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if e.password != "" {
		text = strings.ReplaceAll(text, e.password, "[hidden]")
	}
	out := &RefusedError{Err: fmt.Errorf("mail server %s: %s", e.host, clip(text, 200))}
	if sent, ok := errors.AsType[*mail.SendError](err); ok {
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

// mail writes the message. Nothing of it can become a header of its own: the subject is one line, and
// the addresses are of the configuration.
func (e email) mail(m Message) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(e.from)
	msg.ToMailAddress(e.to...)
	msg.Subject(oneLine(clip(m.Title, 200)))
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(m.ID + "@" + helo(e.from))
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetGenHeader(mail.Header(HeaderDelivery), m.ID)
	msg.SetBodyString(mail.TypeTextPlain, m.Text())
	var b strings.Builder
	if err := mailPage.Execute(&b, &m); err != nil {
		return nil, err
	}
	msg.AddAlternativeString(mail.TypeTextHTML, b.String())
	return msg, nil
}

// oneLine leaves nothing of a text that ends a line, or that a terminal obeys.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, text)
}

var mailPage = template.Must(template.New("mail").Funcs(template.FuncMap{"instant": instant, "ref": ref}).Parse(`<!doctype html>
<html><body style="font-family: sans-serif; font-size: 14px">
<p><b>{{.Title}}</b></p>
{{if .Test}}<p>Nothing has happened: somebody tries whether alerts arrive.</p>{{end}}
{{range $a := .Alerts}}<p>{{with $.Link (ref $a)}}<a href="{{.}}">{{$a.Job}}</a>{{else}}<b>{{$a.Job}}</b>{{end}} {{$a.Detail}}, {{instant $a.At}}{{if $a.Slot}} (slot {{instant $a.Slot}}){{end}}</p>
{{if $a.Error}}<pre style="white-space: pre-wrap; border-left: 3px solid #c33; padding-left: 8px">{{$a.Error}}</pre>{{end}}{{end}}
{{if .More}}<p>and {{.More}} more{{with $.Link (ref)}}: <a href="{{.}}">{{.}}</a>{{end}}</p>{{end}}
</body></html>
`))

// ref is how a template names an alert, or with none all of them.
func ref(list ...Alert) *Alert {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// line is a connection that can be closed from outside.
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
