package redis_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"fibercrons/app/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute // for what happens at once on a machine that has nothing else to do

// given is the server of TEST_REDIS_URL, with a prefix of the test's own.
func given(t *testing.T) redis.Options {
	t.Helper()
	server := os.Getenv("TEST_REDIS_URL")
	if server == "" {
		t.Skip("set TEST_REDIS_URL, such as redis://127.0.0.1:6379, to test with a Redis")
	}
	o := redis.Options{URL: server, Prefix: "fibercrons-test:" + strings.ToLower(t.Name()) + fmt.Sprintf(":%d:%d", os.Getpid(), time.Now().UnixNano())}
	raw := talk(t, server)
	t.Cleanup(func() {
		ctx := context.Background()
		for keys := raw.Scan(ctx, 0, o.Prefix+":*", 1000).Iterator(); keys.Next(ctx); {
			raw.Del(ctx, keys.Val())
		}
	})
	o.URL = restricted(t, raw, o)
	return o
}

// restricted is the server of o for a user who has the rights that the package comment lists, and no other.
func restricted(t *testing.T, raw *goredis.Client, o redis.Options) string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rights, found := strings.Cut(string(doc), "ACL SETUSER NAME on >PASSWORD ")
	u, err := url.Parse(o.URL)
	if err != nil || !found {
		t.Fatal("no rights in doc.go, or no TEST_REDIS_URL")
	}
	rights, _, _ = strings.Cut(rights, "\n")
	user := strings.NewReplacer(":", "-", "/", "-").Replace(o.Prefix)
	args := []any{"ACL", "SETUSER", user, "on", ">secret"}
	for right := range strings.FieldsSeq(strings.ReplaceAll(rights, "PREFIX", o.Prefix)) {
		args = append(args, right)
	}
	if err := raw.Do(t.Context(), args...).Err(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { raw.Do(context.Background(), "ACL", "DELUSER", user) })
	u.User = url.UserPassword(user, "secret")
	return u.String()
}

// talk connects past the package.
func talk(t *testing.T, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal("TEST_REDIS_URL cannot be read")
	}
	raw := goredis.NewClient(o)
	t.Cleanup(func() { raw.Close() })
	return raw
}

func open(t *testing.T, o redis.Options) *redis.Client {
	t.Helper()
	c, err := redis.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	c.Start()
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// server is a Redis of the test's own, to be killed and stopped.
type server struct {
	t    *testing.T
	port string
	args []string
	cmd  *exec.Cmd
	down bool
}

func ownServer(t *testing.T, args ...string) *server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed here, and this test kills one")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	l.Close()
	s := &server{t: t, port: port, args: append([]string{"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir()}, args...)}
	s.start()
	t.Cleanup(func() {
		if !s.down {
			s.kill()
		}
	})
	return s
}

func (s *server) url() string { return "redis://127.0.0.1:" + s.port }

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.down = false
	until(s.t, "the server listens", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+s.port)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Error(err)
	}
}

func (s *server) kill() {
	s.signal(syscall.SIGCONT)
	s.signal(syscall.SIGKILL)
	_ = s.cmd.Wait() // killed
	s.down = true
}

// speaking is the URL of a server that answers each command as it is told, in Redis' protocol.
func speaking(t *testing.T, answer func(command []string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				for r := bufio.NewReader(c); ; {
					command, err := readCommand(r)
					if err != nil {
						return
					}
					if _, err := io.WriteString(c, answer(command)); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return "redis://" + l.Addr().String()
}

// readCommand reads an array of strings.
func readCommand(r *bufio.Reader) ([]string, error) {
	n, err := readLength(r, '*')
	if err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		length, err := readLength(r, '$')
		if err != nil {
			return nil, err
		}
		text := make([]byte, length+len("\r\n"))
		if _, err := io.ReadFull(r, text); err != nil {
			return nil, err
		}
		words[i] = string(text[:length])
	}
	return words, nil
}

func readLength(r *bufio.Reader, of byte) (int, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != of {
		return 0, fmt.Errorf("%q does not begin with %c", line, of)
	}
	return strconv.Atoi(strings.TrimSpace(line[1:]))
}

// until waits for something.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// journal is a log to look at.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) count(what string) int { return strings.Count(j.String(), what) }

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }
