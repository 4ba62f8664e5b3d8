package tokens

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"sync"
	"time"
)

// SessionLife is how long a session lasts.
const SessionLife = 12 * time.Hour

// sessions makes and reads the cookie of a login. The cookie holds a role and an expiry, sealed by a key that is
// derived from that role's token. So nothing is stored, every replica accepts the sessions of the others, and changing
// a token ends its sessions.
type sessions struct {
	keys map[Role][]byte // by the role that a session has

	mu    sync.Mutex
	ended map[string]time.Time // logged out here before their end
}

func newSessions() *sessions {
	return &sessions{keys: map[Role][]byte{}, ended: map[string]time.Time{}}
}

// A session is role (1 byte), end (8, Unix seconds), nonce (16) and seal (32).
const (
	sessionHead = 1 + 8 + 16
	sessionSize = sessionHead + sha256.Size
)

func (s *sessions) key(r Role, digest [sha256.Size]byte) {
	mac := hmac.New(sha256.New, digest[:])
	mac.Write([]byte("fibercrons session"))
	s.keys[r] = mac.Sum(nil)
}

func (s *sessions) seal(head []byte) []byte {
	mac := hmac.New(sha256.New, s.keys[Role(head[0])])
	mac.Write(head)
	return mac.Sum(nil)
}

func (s *sessions) open(r Role, now time.Time) string {
	head := make([]byte, 0, sessionSize)
	head = append(head, byte(r))
	head = binary.BigEndian.AppendUint64(head, uint64(now.Add(SessionLife).Unix()))
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // it never fails (crypto/rand)
	head = append(head, nonce...)
	return base64.RawURLEncoding.EncodeToString(append(head, s.seal(head)...))
}

// role is the role of a valid session; nobody otherwise.
func (s *sessions) role(cookie string, now time.Time) Role {
	r, nonce, end := s.read(cookie)
	if r == Nobody || !now.Before(end) {
		return Nobody
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, over := s.ended[nonce]; over {
		return Nobody
	}
	return r
}

// close ends a session before its time, in this process.
func (s *sessions) close(cookie string, now time.Time) {
	r, nonce, end := s.read(cookie)
	if r == Nobody {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, end := range s.ended {
		if !now.Before(end) {
			delete(s.ended, other)
		}
	}
	s.ended[nonce] = end
}

func (s *sessions) read(cookie string) (r Role, nonce string, end time.Time) {
	if len(cookie) != base64.RawURLEncoding.EncodedLen(sessionSize) {
		return Nobody, "", end
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cookie)
	if err != nil {
		return Nobody, "", end
	}
	head, seal := raw[:sessionHead], raw[sessionHead:]
	r = Role(head[0])
	if s.keys[r] == nil || !hmac.Equal(seal, s.seal(head)) {
		return Nobody, "", end
	}
	return r, string(head[9:]), time.Unix(int64(binary.BigEndian.Uint64(head[1:9])), 0)
}
