// Package access decides who may do what over HTTP, and which requests are genuine.
//
// A caller is an operator (may change), a viewer (may read) or nobody, by its token: a Bearer header, or the cookie
// that a login gave for one. Reading needs no token on this machine while the server listens on loopback and neither
// a token nor a name is configured. As soon as one is, reads need a token from everywhere, since a proxy on this
// machine may make everybody look local. Forwarding headers count from CRON_TRUSTED_PROXIES alone
// (proxies.go). Wrong tokens are slowed by address and by token; a right one is never refused (attempts.go).
//
// Browsers send cookies unasked, so for a write [Control.Guard] insists on what browsers say of its origin. It also
// refuses unknown names in Host, so that nobody can point a domain at this server.
//
// # Files, in reading order
//
//	route.go      roles, routes, refusals
//	access.go     who the caller is, and whether the role suffices: [Control.Admit]; logins
//	guard.go      whether a browser was tricked into the request: [Control.Guard]
//	hosts.go      names of this server, and origins
//	session.go    the cookie of a login
//	attempts.go   wrong tokens
//	proxies.go    forwarding headers
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/env"
)

// Control decides about requests. It keeps tokens as digests: comparing them takes the same time whatever was sent,
// and memory holds no token that could be printed.
type Control struct {
	off      bool // CRON_AUTH=off
	open     bool // reads need no token on this machine
	tokens   []token
	made     string // the operator token made at this start; empty when one is configured
	cookie   string // name of the session's cookie
	sessions *sessions
	attempts *attempts
	hosts    hosts
	proxies  proxies
}

type token struct {
	role   Role
	digest [sha256.Size]byte
}

// New returns the control that cfg asks for.
func New(cfg env.Config) *Control {
	a := &Control{
		hosts:   newHosts(cfg),
		proxies: cfg.Proxies(),
		off:     cfg.Auth == env.AuthOff,
		// Whoever set a token or a name expects other machines, perhaps through a proxy that makes them look local.
		open:     cfg.Loopback() && !cfg.OperatorToken.IsSet() && !cfg.ViewerToken.IsSet() && len(cfg.AllowedHosts) == 0,
		cookie:   cookieName(cfg.Port),
		sessions: newSessions(),
		attempts: newAttempts(),
	}
	secret := cfg.OperatorToken.Reveal()
	if secret == "" && !a.off {
		secret = rand.Text() + rand.Text()
		a.made = secret
	}
	a.add(Operator, secret)
	a.add(Viewer, cfg.ViewerToken.Reveal())
	return a
}

func (a *Control) add(r Role, secret string) {
	if secret == "" {
		return
	}
	t := token{role: r, digest: sha256.Sum256([]byte(secret))}
	a.tokens = append(a.tokens, t)
	a.sessions.key(r, t.digest)
}

// roleOf is the role that secret is the token of.
func (a *Control) roleOf(secret string) Role {
	given, found := sha256.Sum256([]byte(secret)), int(Nobody)
	for _, t := range a.tokens {
		same := subtle.ConstantTimeCompare(given[:], t.digest[:])
		found = subtle.ConstantTimeSelect(same, int(t.role), found)
	}
	return Role(found)
}

// Off says that everybody may do everything (CRON_AUTH=off).
func (a *Control) Off() bool { return a.off }

// Made is the operator token that was made at this start; empty: one is configured, or none is needed.
func (a *Control) Made() string { return a.made }

// Caller is who sent a request, as far as is known.
type Caller struct {
	Role Role
	Name string // for the audit: operator, viewer, anyone or local; empty: nobody
	// Origin is where the request came from; see [Control.Origin].
	Origin string

	wrong  bool // the credential is invalid
	silent bool // logged in, but the request does not say which page sent it
}

const local = "local"

// LoggedIn says whether the caller has shown a credential.
func (w Caller) LoggedIn() bool { return w.Name == Viewer.String() || w.Name == Operator.String() }

// caller finds out who sent the request. After a wrong bearer token it tries nothing weaker: the sender should hear
// that the token is wrong.
func (a *Control) caller(c *fiber.Ctx) Caller {
	if a.off {
		return Caller{Role: Operator, Name: "anyone"}
	}
	if secret, ok := bearer(c); ok {
		r := a.roleOf(secret)
		return Caller{Role: r, Name: r.String(), wrong: r == Nobody}
	}
	if r := a.sessions.role(c.Cookies(a.cookie), time.Now()); r != Nobody {
		if !IsRead(c) && !fromBrowser(c) {
			return Caller{silent: true}
		}
		return Caller{Role: r, Name: r.String()}
	}
	if a.open && isLoopback(c) {
		return Caller{Role: Viewer, Name: local}
	}
	return Caller{}
}

// bearer is the token of an Authorization header. Other schemes are for others: a proxy in front may ask for a
// password and pass the header on.
func bearer(c *fiber.Ctx) (string, bool) {
	scheme, secret, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

// IsRead says whether the method of a request changes nothing.
func IsRead(c *fiber.Ctx) bool {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return true
	}
	return false
}

// fromBrowser says whether the request has what every browser sends with a write. The guard has checked it. A cookie
// alone is no credential for a write.
func fromBrowser(c *fiber.Ctx) bool {
	return c.Get(fiber.HeaderOrigin) != "" || c.Get("Sec-Fetch-Site") != ""
}

// isLoopback says whether the request comes from this machine and from no proxy on it. A proxy shows by a header, or
// by HTTP/1.0: that is nginx's default towards the server behind it, and then it adds no header.
func isLoopback(c *fiber.Ctx) bool {
	if !c.Context().RemoteIP().IsLoopback() || !c.Request().Header.IsHTTP11() {
		return false
	}
	for key := range c.Request().Header.All() {
		name := strings.ToLower(string(key))
		switch name {
		case "forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip",
			"true-client-ip", "cf-connecting-ip", "fastly-client-ip":
			return false
		}
		if strings.HasPrefix(name, "x-forwarded") || strings.HasPrefix(name, "x-envoy-") {
			return false
		}
	}
	return true
}

// Origin is where a request came from, for people.
func (a *Control) Origin(c *fiber.Ctx) string { return a.proxies.origin(c) }

const callerKey = "access.caller"

// CallerOf is the caller of a request that [Control.Admit] has checked.
func CallerOf(c *fiber.Ctx) Caller {
	who, _ := c.Locals(callerKey).(Caller)
	return who
}

// Admit checks whether the caller has the role. If not, the error is a [*Refusal].
func (a *Control) Admit(c *fiber.Ctx, needed Role) error {
	if needed == Nobody {
		return nil
	}
	who := a.caller(c)
	who.Origin = a.Origin(c)
	c.Locals(callerKey, who)
	if who.Role >= needed {
		return nil
	}
	if who.Role != Nobody && who.Name != local {
		return refuse(fiber.StatusForbidden, "a viewer may read only; this needs the operator token")
	}
	if who.wrong {
		secret, _ := bearer(c)
		if wait := a.attempts.failed(a.proxies.peer(c), secret, time.Now()); wait > 0 {
			return tooMany(wait)
		}
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="crons", error="invalid_token"`)
		return refuse(fiber.StatusUnauthorized, "invalid token")
	}
	if wantsPage(c) {
		return &Refusal{Status: fiber.StatusUnauthorized, Detail: "log in", Login: true}
	}
	c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="crons"`)
	if who.silent {
		return refuse(fiber.StatusUnauthorized, "a login is good for writes from this server's pages only; send the token as Authorization: Bearer TOKEN")
	}
	return refuse(fiber.StatusUnauthorized, needed.String()+" token needed: send it as Authorization: Bearer TOKEN, or log in at /crons/login")
}

// Login gives the browser a session for a token. The error is a [*Refusal].
func (a *Control) Login(c *fiber.Ctx, secret string) (Role, error) {
	now, secret := time.Now(), strings.TrimSpace(secret)
	r := a.roleOf(secret)
	if r == Nobody {
		if wait := a.attempts.failed(a.proxies.peer(c), secret, now); wait > 0 {
			return Nobody, tooMany(wait)
		}
		return Nobody, refuse(fiber.StatusUnauthorized, "invalid token")
	}
	a.setCookie(c, a.sessions.open(r, now), int(sessionLife/time.Second))
	return r, nil
}

// Logout ends the session of the browser, if there is one.
func (a *Control) Logout(c *fiber.Ctx) {
	a.sessions.close(c.Cookies(a.cookie), time.Now())
	a.setCookie(c, "", -1)
}

// setCookie marks the cookie Secure when the page came over https, which its Origin tells also behind a proxy. The
// cookie is valid for all paths, as /metrics needs it too.
func (a *Control) setCookie(c *fiber.Ctx, value string, age int) {
	c.Cookie(&fiber.Cookie{
		Name: a.cookie, Value: value, Path: "/", MaxAge: age,
		HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
		Secure: strings.HasPrefix(c.Get(fiber.HeaderOrigin), "https://") || a.proxies.forwarded(c, fiber.HeaderXForwardedProto) == "https",
	})
}

// wantsPage says whether the request comes from a person with a browser.
func wantsPage(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

func tooMany(wait time.Duration) *Refusal {
	return &Refusal{Status: fiber.StatusTooManyRequests, Detail: "too many wrong tokens; wait a moment", RetryAfter: wait}
}
