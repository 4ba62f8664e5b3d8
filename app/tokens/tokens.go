// Package tokens knows who holds which token: it finds the role of a token, makes and reads the sessions that a login
// gets for one, and slows guessing down. It knows nothing of HTTP, so it belongs to an application and is shared by
// everything that serves it.
//
// # Files, in reading order
//
//	tokens.go     roles and tokens
//	session.go    sessions
//	attempts.go   wrong tokens
package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"net/netip"
	"time"
)

// Role is what a caller may do. Roles are ordered: each may do what the ones below it may.
type Role int

// The roles.
const (
	Nobody   Role = iota
	Viewer        // reads
	Operator      // reads and changes
)

func (r Role) String() string { return [...]string{"nobody", "viewer", "operator"}[r] }

// Tokens are the tokens of one application. It keeps them as digests: comparing them takes the same time whatever was
// sent, and memory holds no token that could be printed, but for one that was made here.
type Tokens struct {
	list     []token
	made     string
	sessions *sessions
	attempts *attempts
}

type token struct {
	role   Role
	digest [sha256.Size]byte
}

// New returns the tokens of an application. Without an operator's it makes one; see [Tokens.Made].
func New(operator, viewer string) *Tokens {
	t := &Tokens{sessions: newSessions(), attempts: newAttempts()}
	if operator == "" {
		t.made = rand.Text() + rand.Text()
		operator = t.made
	}
	t.add(Operator, operator)
	t.add(Viewer, viewer)
	return t
}

func (t *Tokens) add(r Role, secret string) {
	if secret == "" {
		return
	}
	one := token{role: r, digest: sha256.Sum256([]byte(secret))}
	t.list = append(t.list, one)
	t.sessions.key(r, one.digest)
}

// Made is the operator token that was made at this start; empty: one is configured.
func (t *Tokens) Made() string { return t.made }

// Role is the role that secret is the token of.
func (t *Tokens) Role(secret string) Role {
	given, found := sha256.Sum256([]byte(secret)), int(Nobody)
	for _, one := range t.list {
		same := subtle.ConstantTimeCompare(given[:], one.digest[:])
		found = subtle.ConstantTimeSelect(same, int(one.role), found)
	}
	return Role(found)
}

// Wrong counts a wrong token from peer. It returns how long to wait, if this one was too many.
func (t *Tokens) Wrong(peer netip.Prefix, secret string) (wait time.Duration) {
	return t.attempts.failed(peer, secret, time.Now())
}

// Session makes a session of a role.
func (t *Tokens) Session(r Role) string { return t.sessions.open(r, time.Now()) }

// SessionRole is the role of a valid session; [Nobody] otherwise.
func (t *Tokens) SessionRole(session string) Role { return t.sessions.role(session, time.Now()) }

// EndSession ends a session before its time, in this process.
func (t *Tokens) EndSession(session string) { t.sessions.close(session, time.Now()) }
