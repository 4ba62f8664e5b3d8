package mysql

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"

	"fibercrons/app/internal/texts"
)

// driverParams are the parameters of a URL that the driver knows. Any other it sends to the server as
// SET name=value, which changes the session or is a syntax error.
var driverParams = []string{
	"allowAllFiles", "allowCleartextPasswords", "allowFallbackToPlaintext", "allowNativePasswords", "allowOldPasswords",
	"charset", "checkConnLiveness", "clientFoundRows", "collation", "columnsWithAlias", "compress", "connectionAttributes",
	"interpolateParams", "loc", "maxAllowedPacket", "multiStatements", "parseTime", "readTimeout", "rejectReadOnly",
	"serverPubKey", "timeTruncate", "timeout", "tls", "writeTimeout",
}

// serverVariables are those that the driver may SET on the user's own connections; ours have their own.
var serverVariables = []string{
	"autocommit", "foreign_key_checks", "group_concat_max_len", "innodb_lock_wait_timeout", "lock_wait_timeout",
	"max_execution_time", "max_statement_time", "net_read_timeout", "net_write_timeout", "sql_mode", "sql_safe_updates",
	"time_zone", "transaction_isolation", "tx_isolation", "unique_checks", "wait_timeout",
}

// myParams are the parameters of a URL as the driver takes them.
type myParams struct {
	driver url.Values
	socket string      // the path of a unix socket, or ""
	tls    *tls.Config // where no value of the driver's tls can say it
}

// security is what a connection asks of TLS, weakest first.
type security int

const (
	unsaid      security = iota
	plain                // tls=false
	opportune            // tls=preferred
	encrypted            // tls=skip-verify
	anyName              // the certificate is checked, but not the name in it
	fullyNamed           // tls=true
	noSuchValue security = -1
)

var tlsValue = map[security]string{plain: "false", opportune: "preferred", encrypted: "skip-verify", fullyNamed: "true"}

// canonical maps ssl-mode, ssl_mode and sslMode to the same name.
func canonical(name string) string {
	return strings.TrimPrefix(strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name)), "mysqlattr")
}

// translations are the parameters that hosts and other drivers have, in canonical form, with the values
// that they take.
var translations = map[string]func(value string) security{
	"sslmode":                 sslMode,
	"ssl":                     sslValue,
	"usessl":                  flag(plain, encrypted),
	"requiressl":              flag(unsaid, encrypted),
	"verifyservercertificate": flag(unsaid, anyName),
	"sslverifyservercert":     flag(unsaid, fullyNamed),
	"rejectunauthorized":      flag(encrypted, fullyNamed),
	"sslaccept": func(value string) security {
		switch value {
		case "strict":
			return fullyNamed
		case "acceptinvalidcerts":
			return encrypted
		}
		return noSuchValue
	},
}

// sslMode reads the modes of the clients of MySQL, PostgreSQL and Java.
func sslMode(value string) security {
	switch value {
	case "disabled", "disable", "off", "false", "0":
		return plain
	case "preferred", "prefer", "allow":
		return opportune
	case "required", "require", "on", "true", "1", "trust":
		return encrypted
	case "verifyca":
		return anyName
	case "verifyidentity", "verifyfull":
		return fullyNamed
	}
	return noSuchValue
}

func flag(off, on security) func(string) security {
	return func(value string) security {
		switch value {
		case "true", "1", "yes", "on":
			return on
		case "false", "0", "no", "off":
			return off
		}
		return noSuchValue
	}
}

// sslValue reads ssl=true, and the JSON of mysql2.
func sslValue(value string) security {
	switch strings.ReplaceAll(value, " ", "") {
	case `{}`, `{"rejectunauthorized":true}`:
		return fullyNamed
	case `{"rejectunauthorized":false}`:
		return encrypted
	}
	return flag(plain, fullyNamed)(value)
}

// parseMyParams translates the parameters that hosting providers use. The error names the parameter, and no value.
func parseMyParams(given url.Values) (myParams, error) {
	p := myParams{driver: url.Values{}}
	wrong := func(name, format string, args ...any) (myParams, error) {
		return p, fmt.Errorf("open store: the parameter %q of DATABASE_URL "+format, append([]any{name}, args...)...)
	}
	asked, files := unsaid, make(map[string]string)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, short := given.Get(name), canonical(name)
		if slices.Contains(driverParams, name) || slices.Contains(serverVariables, name) {
			p.driver.Set(name, value)
			continue
		}
		switch short {
		case "socket", "unixsocket":
			if !strings.HasPrefix(value, "/") {
				return wrong(name, "is not the absolute path of a unix socket")
			}
			p.socket = value
			continue
		case "sslca", "sslrootcert", "sslcert", "sslkey":
			files[strings.Replace(short, "rootcert", "ca", 1)] = value
			continue
		}
		translate, ok := translations[short]
		if !ok {
			if near := nearestParam(name); near != "" {
				return wrong(name, "is not known: did you mean %s?", near)
			}
			return wrong(name, "is not known: remove it; known are %s, ssl-mode, ssl-ca, ssl-cert, ssl-key and socket", strings.Join(driverParams, ", "))
		}
		level := translate(canonical(value))
		if level == noSuchValue {
			return wrong(name, "has no such value: use ssl-mode with DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
		}
		asked = max(asked, level)
	}
	if asked == unsaid && len(files) == 0 {
		return p, nil
	}
	if p.driver.Has("tls") {
		return wrong("tls", "stands beside another one for TLS: remove one of them")
	}
	err := p.secure(asked, files)
	return p, err
}

// secure sets TLS to what was asked for. A file of authorities asks for a check by them, as in the server's own
// clients.
func (p *myParams) secure(asked security, files map[string]string) error {
	if len(files) > 0 && asked != plain {
		asked = max(asked, encrypted)
	}
	if files["sslca"] != "" && asked != plain {
		asked = max(asked, anyName)
	}
	if value, ok := tlsValue[asked]; ok && len(files) == 0 || asked == plain {
		p.driver.Set("tls", value)
		return nil
	}
	p.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	if path := files["sslca"]; path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("open store: the ssl-ca of DATABASE_URL: %w", err)
		}
		p.tls.RootCAs = x509.NewCertPool()
		if !p.tls.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("open store: the ssl-ca of DATABASE_URL, %s, holds no certificate in PEM form", path)
		}
	}
	if files["sslcert"] != "" || files["sslkey"] != "" {
		pair, err := tls.LoadX509KeyPair(files["sslcert"], files["sslkey"])
		if err != nil {
			return fmt.Errorf("open store: the ssl-cert and ssl-key of DATABASE_URL: %w", err)
		}
		p.tls.Certificates = []tls.Certificate{pair}
	}
	if asked < fullyNamed {
		p.tls.InsecureSkipVerify = true //nolint:gosec // REQUIRED checks nothing, VERIFY_CA all but the name: below
	}
	if asked == anyName {
		p.tls.VerifyConnection = anyNamed(p.tls.RootCAs)
	}
	return nil
}

// anyNamed checks a certificate, except for the name in it. Without roots the machine's authorities count.
func anyNamed(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 {
			return errors.New("the server shows no certificate")
		}
		between := x509.NewCertPool()
		for _, c := range s.PeerCertificates[1:] {
			between.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}

// nearestParam returns the known parameter that name is most likely a misspelling of, or "".
func nearestParam(name string) string {
	known := append(slices.Clone(driverParams), "ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket", "useSSL")
	best := slices.MinFunc(known, func(a, b string) int {
		return cmp.Compare(texts.Distance(canonical(name), canonical(a)), texts.Distance(canonical(name), canonical(b)))
	})
	if texts.Distance(canonical(name), canonical(best)) > min(2, len(name)/4) {
		return ""
	}
	return best
}
