// Package access decides who may do what over HTTP, and which requests are genuine.
//
// A caller is an operator (may change), a viewer (may read) or nobody. A program that knows its users says who a caller
// is by a [Rule]. Otherwise it is by the token of a Bearer header, or by the cookie that a login gave for one (package
// tokens). Reading needs no token on this machine while the server listens on loopback and neither a token nor a name
// is configured. As soon as one is, reads need a token from everywhere, since a proxy on this machine may make
// everybody look local. Forwarding headers count from CRON_TRUSTED_PROXIES alone (proxies.go). Wrong tokens are slowed
// by address and by token; a right one is never refused.
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
//	base.go       where a browser sees the routes: [Base]
//	proxies.go    forwarding headers
package access

import (
	"cmp"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"fibercrons/app/env"
	"fibercrons/app/tokens"
)

// Control decides about the requests to one application.
type Control struct {
	off     bool // CRON_AUTH=off
	open    bool // reads need no token on this machine
	rule    Rule // replaces tokens and logins; nil: none
	tokens  *tokens.Tokens
	hosts   hosts
	proxies proxies
	base    string // CRON_BASE_PATH
}

// Rule finds out who sent a request, in a program that knows its users. The zero Caller is nobody.
type Rule func(c *fiber.Ctx) (Caller, error)

// New returns the control that cfg asks for. rule is optional.
func New(cfg env.Config, known *tokens.Tokens, rule Rule) *Control {
	return &Control{
		hosts:   newHosts(cfg, rule != nil),
		proxies: cfg.Proxies(),
		off:     cfg.Auth == env.AuthOff && rule == nil,
		// Whoever set a token or a name expects other machines, perhaps through a proxy that makes them look local.
		open:   cfg.Loopback() && !cfg.OperatorToken.IsSet() && !cfg.ViewerToken.IsSet() && len(cfg.AllowedHosts) == 0,
		rule:   rule,
		tokens: known,
		base:   cfg.BasePath,
	}
}

// Off says that everybody may do everything (CRON_AUTH=off).
func (a *Control) Off() bool { return a.off }

// Ruled says whether the program around the routes says who a caller is.
func (a *Control) Ruled() bool { return a.rule != nil }

// Logins says whether people log in here, with a token.
func (a *Control) Logins() bool { return !a.off && a.rule == nil }

// Caller is who sends requests.
type Caller struct {
	Role Role
	// Name is for the audit log, at most 100 characters. With tokens it is operator, viewer, anyone or local.
	Name string
}

// Sender is who sent a request, as far as is known.
type Sender struct {
	Caller
	Origin string // where the request came from; see [Control.Origin]
	Login  bool   // the caller has logged in here, or shown a token

	wrong  bool // the credential is invalid
	silent bool // logged in, but the request does not say which page sent it
	local  bool // on this machine, without a credential
}

// sender finds out who sent the request. After a wrong bearer token it tries nothing weaker: the sender should hear
// that the token is wrong.
func (a *Control) sender(c *fiber.Ctx) (Sender, error) {
	if a.rule != nil {
		who, err := a.rule(c)
		return Sender{Caller: named(who)}, err
	}
	if a.off {
		return Sender{Caller: Caller{Role: Operator, Name: "anyone"}}, nil
	}
	if secret, ok := bearer(c); ok {
		r := a.tokens.Role(secret)
		return Sender{Caller: Caller{Role: r, Name: r.String()}, wrong: r == Nobody, Login: r != Nobody}, nil
	}
	if r := a.tokens.SessionRole(c.Cookies(cookieName(c))); r != Nobody {
		if !IsRead(c) && !fromBrowser(c) {
			return Sender{silent: true}, nil
		}
		return Sender{Caller: Caller{Role: r, Name: r.String()}, Login: true}, nil
	}
	if a.open && isLoopback(c) {
		return Sender{Caller: Caller{Role: Viewer, Name: "local"}, local: true}, nil
	}
	return Sender{}, nil
}

// longestName is how many characters of a caller's name the audit log keeps.
const longestName = 100

// named is a caller of a [Rule], with a name that can be kept: the strings of a request end with it.
func named(who Caller) Caller {
	if who.Role != Viewer && who.Role != Operator {
		who.Role = Nobody // also a level of the program's own, whose meaning here nobody knows
	}
	who.Name = strings.ToValidUTF8(who.Name, "\uFFFD")
	if runes := []rune(who.Name); len(runes) > longestName {
		who.Name = string(runes[:longestName])
	}
	who.Name = strings.Clone(who.Name)
	if who.Name == "" && who.Role != Nobody {
		who.Name = who.Role.String()
	}
	return who
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

type senderKey struct{}

// SenderOf is the sender of a request that [Control.Admit] has checked.
func SenderOf(c *fiber.Ctx) Sender {
	who, _ := c.Locals(senderKey{}).(Sender)
	return who
}

// ErrAnswered is returned by [Control.Admit] when the [Rule] has answered by a redirect, to a login of its own.
var ErrAnswered = errors.New("the rule of the program has answered")

// Admit checks whether the sender has the role. If not, the error is a [*Refusal], [ErrAnswered], or that of the
// [Rule].
func (a *Control) Admit(c *fiber.Ctx, needed Role) error {
	if needed == Nobody {
		return nil
	}
	who, err := a.sender(c)
	if err != nil {
		return err
	}
	who.Origin = a.Origin(c)
	c.Locals(senderKey{}, who)
	switch {
	case who.Role >= needed:
		return nil
	case a.rule != nil:
		return refuseByRule(c, who.Role)
	case who.Role != Nobody && !who.local:
		return refuse(fiber.StatusForbidden, "a viewer may read only; this needs the operator token")
	}
	if who.wrong {
		secret, _ := bearer(c)
		if wait := a.tokens.Wrong(a.proxies.peer(c), secret); wait > 0 {
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
	return refuse(fiber.StatusUnauthorized, needed.String()+" token needed: send it as Authorization: Bearer TOKEN, or log in at "+Base(c)+"/crons/login")
}

func refuseByRule(c *fiber.Ctx, role Role) error {
	if role != Nobody {
		return refuse(fiber.StatusForbidden, "a viewer may read only; this needs an operator")
	}
	if status := c.Response().StatusCode(); status >= 300 && status < 400 {
		return ErrAnswered
	}
	return refuse(fiber.StatusUnauthorized, "you are not logged in to this program, which has a login of its own")
}

// Login gives the browser a session for a token. The error is a [*Refusal].
func (a *Control) Login(c *fiber.Ctx, secret string) (Role, error) {
	secret = strings.TrimSpace(secret)
	r := a.tokens.Role(secret)
	if r == Nobody {
		if wait := a.tokens.Wrong(a.proxies.peer(c), secret); wait > 0 {
			return Nobody, tooMany(wait)
		}
		return Nobody, refuse(fiber.StatusUnauthorized, "invalid token")
	}
	a.setCookie(c, a.tokens.Session(r), int(tokens.SessionLife/time.Second))
	return r, nil
}

// Logout ends the session of the browser, if there is one.
func (a *Control) Logout(c *fiber.Ctx) {
	a.tokens.EndSession(c.Cookies(cookieName(c)))
	a.setCookie(c, "", -1)
}

// setCookie marks the cookie Secure when the page came over https, which its Origin tells also behind a proxy. The
// cookie is valid for all paths under the one that routes are mounted under, as /metrics needs it too. Browsers compare
// that path as it is written (RFC 6265, section 5.1.4), and fasthttp would decode it.
func (a *Control) setCookie(c *fiber.Ctx, value string, age int) {
	c.Cookie(&fiber.Cookie{
		Name: cookieName(c), Value: value, Path: cmp.Or(strings.ReplaceAll(Base(c), "%", "%25"), "/"), MaxAge: age,
		HTTPOnly: true, SameSite: fiber.CookieSameSiteStrictMode,
		Secure: strings.HasPrefix(c.Get(fiber.HeaderOrigin), "https://") || strings.EqualFold(a.proxies.forwarded(c, fiber.HeaderXForwardedProto), "https"),
	})
}

// cookieName contains the port that the server listens on: cookies do not distinguish the ports of a host, so two
// programs on one machine would log each other out.
func cookieName(c *fiber.Ctx) string {
	if addr, ok := c.Context().LocalAddr().(*net.TCPAddr); ok {
		return "crons_" + strconv.Itoa(addr.Port)
	}
	return "crons"
}

// wantsPage says whether the request comes from a person with a browser.
func wantsPage(c *fiber.Ctx) bool {
	return c.Method() == fiber.MethodGet && strings.Contains(c.Get(fiber.HeaderAccept), fiber.MIMETextHTML)
}

func tooMany(wait time.Duration) *Refusal {
	return &Refusal{Status: fiber.StatusTooManyRequests, Detail: "too many wrong tokens; wait a moment", RetryAfter: wait}
}
