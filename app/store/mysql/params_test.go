package mysql_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fibercrons/app/internal/testdb"
	"fibercrons/app/store/db"
)

// authority signs certificates of servers; file is its own, in PEM form.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	a := authority{file: filepath.Join(t.TempDir(), "ca.pem")}
	a.cert, a.key = signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}, nil)
	if err := os.WriteFile(a.file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

// server returns the certificate of a server at 127.0.0.1, or of another.
func (a authority) server(t *testing.T, here bool) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"db.example"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	if here {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	cert, key := signed(t, template, &a)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

func signed(t *testing.T, template *x509.Certificate, by *authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// greeting is how a MySQL server begins: version 10, with TLS on offer.
func greeting(secure bool) []byte {
	caps := uint32(0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000)
	if secure {
		caps |= 0x800
	}
	p := append([]byte{10}, "8.0.36\x00\x01\x00\x00\x0012345678\x00"...)
	p = binary.LittleEndian.AppendUint16(p, uint16(caps)) //nolint:gosec // the lower half
	p = append(p, 45, 2, 0)
	p = binary.LittleEndian.AppendUint16(p, uint16(caps>>16)) //nolint:gosec // the upper half
	p = append(p, 21)
	p = append(p, make([]byte, 10)...)
	p = append(p, "123456789012\x00mysql_native_password\x00"...)
	return p
}

func packet(w io.Writer, seq byte, payload []byte) {
	n := len(payload)
	_, _ = w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...)) //nolint:gosec // short; the peer may be gone
}

func readPacket(r io.Reader) ([]byte, byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	payload := make([]byte, int(head[0])|int(head[1])<<8|int(head[2])<<16)
	_, err := io.ReadFull(r, payload)
	return payload, head[3], err
}

// impostor is as much of a MySQL server as shows how a client secures its connection: it denies access to all.
func impostor(t *testing.T, cert *tls.Certificate) (addr string, seen <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	told := make(chan string, 100)
	serve := func(c net.Conn) {
		defer c.Close()
		packet(c, 0, greeting(cert != nil))
		login, seq, err := readPacket(c)
		if err != nil {
			return
		}
		if binary.LittleEndian.Uint32(login)&0x800 == 0 {
			told <- "plain"
			packet(c, seq+1, append([]byte{0xff, 0x15, 0x04}, "#28000Access denied"...))
			return
		}
		secure := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12})
		if err := secure.Handshake(); err != nil {
			told <- "refused"
			return
		}
		told <- "encrypted"
		if _, seq, err = readPacket(secure); err == nil {
			packet(secure, seq+1, append([]byte{0xff, 0x15, 0x04}, "#28000Access denied"...))
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serve(c)
		}
	}()
	return l.Addr().String(), told
}

// TestMySQLParamsOfHosts takes the spellings of hosts and of other drivers to a server with a certificate of an
// authority of its own.
func TestMySQLParamsOfHosts(t *testing.T) {
	a := newAuthority(t)
	ca := url.QueryEscape(a.file)
	here, elsewhere := a.server(t, true), a.server(t, false)
	for _, c := range []struct {
		params string
		cert   *tls.Certificate
		want   string
	}{
		{"", &here, "plain"},
		{"ssl-mode=DISABLED", &here, "plain"},
		{"useSSL=false", &here, "plain"},
		{"sslmode=disable", &here, "plain"},
		{"ssl=false", &here, "plain"},
		{"ssl-mode=PREFERRED", &here, "encrypted"},
		{"ssl-mode=PREFERRED", nil, "plain"},
		{"sslMode=preferred", nil, "plain"},
		{"ssl-mode=REQUIRED", &elsewhere, "encrypted"},
		{"ssl_mode=required", &elsewhere, "encrypted"},
		{"sslMode=REQUIRED", &elsewhere, "encrypted"},
		{"sslmode=require", &elsewhere, "encrypted"},
		{"useSSL=true", &elsewhere, "encrypted"},
		{"useSSL=true&requireSSL=true", &elsewhere, "encrypted"},
		{"sslaccept=accept_invalid_certs", &elsewhere, "encrypted"},
		{"ssl=" + url.QueryEscape(`{"rejectUnauthorized":false}`), &elsewhere, "encrypted"},
		{"tls=skip-verify", &elsewhere, "encrypted"},
		{"ssl=true", &here, "refused"}, // the machine does not know the authority
		{"sslaccept=strict", &here, "refused"},
		{"ssl=" + url.QueryEscape(`{"rejectUnauthorized": true}`), &here, "refused"},
		{"ssl-mode=VERIFY_CA", &here, "refused"},
		{"ssl-mode=VERIFY_IDENTITY", &here, "refused"},
		{"ssl-ca=" + ca, &here, "encrypted"},
		{"ssl-mode=REQUIRED&ssl-ca=" + ca, &elsewhere, "encrypted"},
		{"ssl-mode=VERIFY_CA&ssl-ca=" + ca, &elsewhere, "encrypted"},
		{"sslmode=verify-ca&sslrootcert=" + ca, &elsewhere, "encrypted"},
		{"useSSL=true&verifyServerCertificate=true&ssl_ca=" + ca, &elsewhere, "encrypted"},
		{"ssl-mode=VERIFY_IDENTITY&ssl-ca=" + ca, &elsewhere, "refused"},
		{"ssl-mode=VERIFY_IDENTITY&ssl-ca=" + ca, &here, "encrypted"},
		{"sslmode=verify-full&sslrootcert=" + ca, &here, "encrypted"},
		{"ssl=true&ssl_ca=" + ca, &elsewhere, "refused"},
		{"MYSQL_ATTR_SSL_CA=" + ca, &elsewhere, "encrypted"},
	} {
		t.Run(c.params, func(t *testing.T) {
			addr, seen := impostor(t, c.cert)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			s, err := db.Open(ctx, db.Options{URL: "mysql://u:hunter2@" + addr + "/d?" + c.params})
			if err == nil {
				s.Close()
				t.Fatal("it lets everybody in")
			}
			select {
			case got := <-seen:
				if got != c.want {
					t.Errorf("the connection is %s, want %s: %v", got, c.want, err)
				}
			case <-ctx.Done(): // the server hears of a refusal after the client
				t.Errorf("nobody has connected: %v", err)
			}
			if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "syntax") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestMySQLParamsUnknown(t *testing.T) {
	for params, want := range map[string]string{
		"ssl-mod=REQUIRED":             `"ssl-mod" of DATABASE_URL is not known: did you mean ssl-mode?`,
		"parse_time=true":              `"parse_time" of DATABASE_URL is not known: did you mean parseTime?`,
		"readtimeout=1s":               `did you mean readTimeout?`,
		"max_connections=5":            `"max_connections" of DATABASE_URL is not known: remove it; known are allowAllFiles, `,
		"serverTimezone=hunter2":       `"serverTimezone" of DATABASE_URL is not known`,
		"ssl-mode=hunter2":             `"ssl-mode" of DATABASE_URL has no such value: use ssl-mode with DISABLED, PREFERRED, REQUIRED`,
		"ssl=maybe":                    `"ssl" of DATABASE_URL has no such value`,
		"tls=true&ssl-mode=DISABLED":   `"tls" of DATABASE_URL stands beside another one`,
		"ssl-ca=/no/such/ca.pem":       `ssl-ca of DATABASE_URL: open /no/such/ca.pem`,
		"ssl-ca=/dev/null":             `holds no certificate in PEM form`,
		"ssl-cert=/no/such/client.pem": `ssl-cert and ssl-key of DATABASE_URL: open `,
		"socket=mysqld.sock":           `"socket" of DATABASE_URL is not the absolute path of a unix socket`,
	} {
		_, err := db.Open(t.Context(), db.Options{URL: "mysql://u:hunter2@127.0.0.1:1/d?" + params})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %s", params, err, want)
		}
	}
}

// TestMySQLPasswordInPercentCodes: whatever a password holds, it arrives.
func TestMySQLPasswordInPercentCodes(t *testing.T) {
	base := os.Getenv("TEST_MYSQL_URL")
	if base == "" {
		t.Skip("TEST_MYSQL_URL is not set: start the server (docker compose --profile mysql up -d) and set it")
	}
	good := testdb.FreshDatabase(t, base)
	u, err := url.Parse(good)
	if err != nil {
		t.Fatal("TEST_MYSQL_URL is not a URL")
	}
	const password = `a@b:c/d#e?f&g=h%i+j k$l!(m)`
	name, database := testdb.Name(), strings.TrimPrefix(u.Path, "/")
	dsn := u.User.String() + "@tcp(" + u.Host + ")/" + database
	testdb.Exec(t, "mysql", dsn, "CREATE USER '"+name+"'@'%' IDENTIFIED BY '"+password+"'")
	t.Cleanup(func() { testdb.Exec(t, "mysql", dsn, "DROP USER '"+name+"'@'%'") })
	testdb.Exec(t, "mysql", dsn, "GRANT ALL ON "+database+".* TO '"+name+"'@'%'")
	for _, scheme := range []string{"mysql", "mariadb"} {
		u.Scheme, u.User = scheme, url.UserPassword(name, password)
		s, err := db.Open(t.Context(), db.Options{URL: u.String()})
		if err != nil {
			t.Fatalf("%s: %v", scheme, err)
		}
		if err := s.Read(t.Context()).Exec("SELECT id FROM job_instances").Error; err != nil {
			t.Errorf("%s: %v", scheme, err)
		}
		s.Close()
	}
}
