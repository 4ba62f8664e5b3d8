package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/url"
	"strings"
	"time"

	"fibercrons/app/env"

	"github.com/gofiber/fiber/v2"
)

// role is what a caller may do. Roles are ordered: each may do what the ones below it may.
type role int

const (
	nobody   role = iota
	viewer        // reads
	operator      // reads and changes
)

func (r role) String() string { return [...]string{"nobody", "viewer", "operator"}[r] }

// access knows the tokens, as digests: comparing digests of one length takes the same time whatever
// was sent, and no token lies about in memory to be printed.
type access struct {
	off      bool // CRON_AUTH=off
	open     bool // reads need no token on this machine
	tokens   []token
	made     string // the operator token made at this start; empty when one is configured
	cookie   string // name of the session's cookie
	sessions *sessions
	attempts *attempts
}

type token struct {
	role   role
	digest [sha256.Size]byte
}

func newAccess(cfg env.Config) *access {
	a := &access{
		off: cfg.Auth == env.AuthOff,
		// A proxy on this machine may make the whole world loopback. Whoever set a token or a name has said
		// that others are to be kept out, or let in.
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
	a.add(operator, secret)
	a.add(viewer, cfg.ViewerToken.Reveal())
	return a
}

func (a *access) add(r role, secret string) {
	if secret == "" {
		return
	}
	t := token{role: r, digest: sha256.Sum256([]byte(secret))}
	a.tokens = append(a.tokens, t)
	a.sessions.key(r, t.digest)
}

// roleOf is the role that secret is the token of.
func (a *access) roleOf(secret string) role {
	given, found := sha256.Sum256([]byte(secret)), int(nobody)
	for _, t := range a.tokens {
		same := subtle.ConstantTimeCompare(given[:], t.digest[:])
		found = subtle.ConstantTimeSelect(same, int(t.role), found)
	}
	return role(found)
}

// caller is who sent a request, as far as we know.
type caller struct {
	role   role
	name   string // for the record of what was done
	wrong  bool   // a credential was shown, and is none of ours
	silent bool   // logged in, and the request does not say from which page it comes
}

// caller finds out who sent the request. A wrong bearer token is not passed over in favour of
// something weaker: whoever sends one wants to hear that it is wrong.
func (a *access) caller(c *fiber.Ctx) caller {
	if a.off {
		return caller{role: operator, name: "anyone"}
	}
	if secret, ok := bearer(c); ok {
		r := a.roleOf(secret)
		return caller{role: r, name: r.String(), wrong: r == nobody}
	}
	if r := a.sessions.role(c.Cookies(a.cookie), time.Now()); r != nobody {
		if !isRead(c) && !fromBrowser(c) {
			return caller{silent: true}
		}
		return caller{role: r, name: r.String()}
	}
	if a.open && isLoopback(c) {
		return caller{role: viewer, name: "local"}
	}
	return caller{}
}

// bearer is the token of an Authorization header. Other schemes are not for us: a proxy in front may
// ask for a password of its own and hand the header on.
func bearer(c *fiber.Ctx) (string, bool) {
	scheme, secret, _ := strings.Cut(c.Get(fiber.HeaderAuthorization), " ")
	return strings.TrimSpace(secret), strings.EqualFold(scheme, "Bearer")
}

func isRead(c *fiber.Ctx) bool {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return true
	}
	return false
}

// fromBrowser says whether the request carries what every browser sends with a write. The guard has
// compared it by now. A cookie alone is no credential for a write.
func fromBrowser(c *fiber.Ctx) bool {
	return c.Get(fiber.HeaderOrigin) != "" || c.Get("Sec-Fetch-Site") != ""
}

// isLoopback says whether the request was sent on this machine by the one who wants the answer.
// Whatever a proxy adds means that he may sit elsewhere; so does HTTP/1.0, which is what nginx speaks
// to the server behind it when it was told nothing else, and then it adds no header.
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

const callerKey = "web.caller"

func callerOf(c *fiber.Ctx) caller {
	who, _ := c.Locals(callerKey).(caller)
	return who
}

// admit says whether the caller has the role that is needed. If not, the error is the answer; without
// one the caller was sent to the login.
func (s *Server) admit(c *fiber.Ctx, needed role) (bool, error) {
	if needed == nobody {
		return true, nil
	}
	who := s.access.caller(c)
	c.Locals(callerKey, who)
	if who.role >= needed {
		return true, nil
	}
	if who.role != nobody && who.name != "local" {
		return false, refuse(fiber.StatusForbidden, "a viewer may read only; this needs the operator token")
	}
	if who.wrong {
		secret, _ := bearer(c)
		if wait := s.access.attempts.failed(s.peer(c), secret, time.Now()); wait > 0 {
			return false, tooMany(wait)
		}
		c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="crons", error="invalid_token"`)
		return false, refuse(fiber.StatusUnauthorized, "invalid token")
	}
	if wantsPage(c) {
		return false, c.Redirect("/crons/login?next="+url.QueryEscape(c.Path()), fiber.StatusSeeOther)
	}
	c.Set(fiber.HeaderWWWAuthenticate, `Bearer realm="crons"`)
	if who.silent {
		return false, refuse(fiber.StatusUnauthorized, "a login is good for writes from this server's pages only; send the token as Authorization: Bearer TOKEN")
	}
	return false, refuse(fiber.StatusUnauthorized, needed.String()+" token needed: send it as Authorization: Bearer TOKEN, or log in at /crons/login")
}

// wantsPage says whether a person looks at the answer in a browser.
func wantsPage(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}
