package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"fibercrons/app/alert"
	"fibercrons/app/alert/mail"
	"fibercrons/app/cron"
	"fibercrons/app/crontest"
)

// mailServer is as much of an SMTP server (RFC 5321) as a client needs.
type mailServer struct {
	addr     string
	tls      *tls.Config
	implicit bool
	auth     bool
	refuse   string // what MAIL is answered with

	mu     sync.Mutex
	mails  []string
	rcpts  []string
	logins []string
	secure int // mails that came under TLS
}

func serveMail(t *testing.T, s *mailServer) *mailServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(time.Minute))
				s.talk(conn)
			})
		}
	})
	t.Cleanup(func() { ln.Close(); all.Wait() })
	return s
}

func (s *mailServer) talk(conn net.Conn) {
	secure := false
	if s.implicit {
		conn, secure = tls.Server(conn, s.tls), true
	}
	in := bufio.NewReader(conn)
	say := func(text string) { _, _ = io.WriteString(conn, text+"\r\n") }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		switch verb := strings.ToUpper(strings.SplitN(line, " ", 2)[0]); verb {
		case "EHLO":
			say("250-test")
			if s.tls != nil && !secure {
				say("250-STARTTLS")
			}
			if s.auth && secure {
				say("250-AUTH PLAIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go")
			conn, secure = tls.Server(conn, s.tls), true
			in = bufio.NewReader(conn)
		case "AUTH":
			raw, _ := base64.StdEncoding.DecodeString(line[strings.LastIndex(line, " ")+1:])
			s.mu.Lock()
			s.logins = append(s.logins, strings.ReplaceAll(string(raw), "\x00", " "))
			s.mu.Unlock()
			say("235 welcome")
		case "MAIL":
			if s.refuse != "" {
				say(s.refuse)
				continue
			}
			say("250 ok")
		case "RCPT":
			s.mu.Lock()
			s.rcpts = append(s.rcpts, line)
			s.mu.Unlock()
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.mails = append(s.mails, text.String())
			if secure {
				s.secure++
			}
			s.mu.Unlock()
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// to dials the server whatever the name is.
func (s *mailServer) to(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, s.addr)
}

// certificate for mail.example.com, and the pool that trusts it.
func certificate(t *testing.T) (*tls.Config, *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example.com"}, DNSNames: []string{"mail.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{raw}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

func TestEmail(t *testing.T) {
	serve, trust := certificate(t)
	for name, c := range map[string]struct {
		url    string
		server *mailServer
		secure int
		login  string
	}{
		"plain":    {"smtp://mail.example.com:25?tls=none", &mailServer{}, 0, ""},
		"starttls": {"smtp://ada:pass%20word@mail.example.com", &mailServer{tls: serve, auth: true}, 1, " ada pass word"},
		"implicit": {"smtps://ada:pw@mail.example.com", &mailServer{tls: serve, auth: true, implicit: true}, 1, " ada pw"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serveMail(t, c.server)
			channel, err := mail.EmailWithRoots(c.url, "Crons <crons@example.com>", "ada@example.com, Bob <bob@example.org>", s.to, trust)
			if err != nil {
				t.Fatal(err)
			}
			m := sample()
			m.Title += "\r\nBcc: eve@example.com"
			if err := channel.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.mails) != 1 || s.secure != c.secure || strings.Join(s.logins, ",") != c.login {
				t.Fatalf("%d mails, %d secure, logins %q", len(s.mails), s.secure, s.logins)
			}
			if to := strings.Join(s.rcpts, ","); !strings.Contains(to, "ada@example.com") || !strings.Contains(to, "bob@example.org") || strings.Contains(to, "eve") {
				t.Errorf("recipients %s", to)
			}
			got, err := netmail.ReadMessage(strings.NewReader(s.mails[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			if err != nil || subject != "[production] billing failed after 3 attempts  Bcc: eve@example.com" || got.Header.Get("Bcc") != "" {
				t.Errorf("subject %q, headers %v, error %v", subject, got.Header, err)
			}
			if id := got.Header.Get("Message-ID"); id != "<"+m.ID+"@example.com>" {
				t.Errorf("message ID %q", id)
			}
			parts := partsOf(t, got)
			if !strings.Contains(parts["text/plain"], "billing failed after 3 attempts") || !strings.Contains(parts["text/plain"], "<!channel>") {
				t.Errorf("text %q", parts["text/plain"])
			}
			if !strings.Contains(parts["text/html"], "&lt;!channel&gt;") || strings.Contains(parts["text/html"], "<!channel>") {
				t.Errorf("page %q", parts["text/html"])
			}
		})
	}
}

func sample() alert.Message {
	at := time.Date(2026, 3, 1, 2, 1, 0, 0, time.UTC)
	return alert.Message{
		ID: "0197f5c0-0000-7000-8000-000000000001", Environment: "production", At: at, Title: "[production] billing failed after 3 attempts",
		Alerts: []alert.Alert{{
			ID: "a1", Job: "billing", Kind: cron.AlertFailed, Run: "r1", At: at, Detail: "failed after 3 attempts", Error: "<!channel> & <https://evil.example|click>", Number: 1,
		}},
		Total: 1, Kinds: map[cron.AlertKind]int{cron.AlertFailed: 1},
	}
}

func partsOf(t *testing.T, m *netmail.Message) map[string]string {
	t.Helper()
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		parts[kind] = string(text)
	}
}

func TestEmailErrors(t *testing.T) {
	serve, trust := certificate(t)
	for name, c := range map[string]struct {
		server *mailServer
		setup  bool
	}{
		"for good":        {&mailServer{tls: serve, auth: true, refuse: "550 5.7.1 no such sender s3cret-word"}, true},
		"for now":         {&mailServer{tls: serve, auth: true, refuse: "450 4.3.0 come back later"}, false},
		"no TLS":          {&mailServer{}, false},
		"no certificate":  {&mailServer{tls: &tls.Config{}}, false},
		"no password yet": {&mailServer{tls: serve}, false},
	} {
		s := serveMail(t, c.server)
		channel, err := mail.EmailWithRoots("smtp://ada:s3cret-word@mail.example.com", "crons@example.com", "ada@example.com", s.to, trust)
		if err != nil {
			t.Fatal(err)
		}
		err = channel.Send(t.Context(), sample())
		refused, is := errors.AsType[*alert.RefusedError](err)
		if !is || refused.Setup != c.setup || strings.Contains(err.Error(), "s3cret-word") {
			t.Errorf("%s: %v, setup %v", name, err, is && refused.Setup)
		}
		if len(s.mails) != 0 {
			t.Errorf("%s: a mail arrived", name)
		}
	}
}

// A server that accepts and says nothing does not hold up the end of the program.
func TestEmailEndsWithContext(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		dial := func(context.Context, string, string) (net.Conn, error) { return ours, nil }
		channel, err := mail.Email("smtp://mail.example.com?tls=none", "a@example.com", "b@example.com", dial)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- channel.Send(ctx, sample()) }()
		synctest.Wait()
		began := time.Now()
		cancel()
		if err := <-ended; err == nil || time.Since(began) != 0 {
			t.Errorf("ended after %s with %v", time.Since(began), err)
		}
	})
}

func TestEmailMistakes(t *testing.T) {
	for name, c := range map[string][3]string{
		"scheme":    {"http://h", "a@b.c", "a@b.c"},
		"no host":   {"smtp://:25", "a@b.c", "a@b.c"},
		"port":      {"smtp://h:99999", "a@b.c", "a@b.c"},
		"tls":       {"smtp://h?tls=maybe", "a@b.c", "a@b.c"},
		"both":      {"smtps://h?tls=none", "a@b.c", "a@b.c"},
		"clear":     {"smtp://u:s3cret@h?tls=none", "a@b.c", "a@b.c"},
		"from":      {"smtp://h", "nobody", "a@b.c"},
		"to":        {"smtp://h", "a@b.c", "a@b.c, nobody"},
		"injection": {"smtp://h", "a@b.c\r\nBcc: e@v.e", "a@b.c"},
	} {
		if _, err := mail.Email(c[0], c[1], c[2], nil); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
