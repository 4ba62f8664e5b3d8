//go:build unix

package store_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

var faultCrashes = flag.Int("fault.crashes", 0, "number of times that the server crashes; 0: 3, with -fault.long 20")

// The database server itself crashes, and comes back after a while: pg_ctl stop -m immediate ends it without
// a checkpoint, and it recovers from its log. Replicas wait for it, and go on where they were.
func TestFaultServerCrash(t *testing.T) {
	onlyIfAsked(t)
	t.Parallel()
	cluster := newCluster(t)
	const replicas = 3
	const lease = 30 * time.Second
	crashes := atLength(3, 20)
	if *faultCrashes > 0 {
		crashes = *faultCrashes
	}
	c := newCrew(t, life{URL: cluster.url(), Jobs: "hundred", Lease: lease, Signs: true})
	alive := c.several(replicas, func(int, *life) {})
	c.awaitWork(alive...)
	look := c.look()
	watched := c.watch(look)
	chance := rand.New(rand.NewPCG(*faultSeed, 30))
	began := time.Now()
	var took waits
	for range crashes {
		time.Sleep(time.Duration(300+chance.IntN(1200)) * time.Millisecond)
		cluster.ctl("stop", "-m", "immediate")
		time.Sleep(time.Duration(chance.IntN(1500)) * time.Millisecond)
		cluster.ctl("start", "-l", filepath.Join(cluster.dir, "log"))
		up := time.Now()
		for _, p := range alive {
			back, ok := p.well(t, up)
			if !ok {
				c.quit()
				t.Fatalf("process %d has not reached the database again within %s", p.number, patience)
			}
			took = append(took, back)
			if back > lease+5*time.Second {
				t.Errorf("process %d was well again %s after the server, with a lease of %s", p.number, back, lease)
			}
		}
	}
	worked := time.Since(began)
	c.rest(alive...)
	back := watched()
	w := c.world(look)
	w.hurt = map[int]bool{}
	report(t, append(w.violations(), append(back, c.disasters()...)...))
	t.Logf("%d crashes of the server in %s (seed %d): %s; recovery %s", crashes, worked.Round(time.Second), *faultSeed, w.figures(), took)
}

// cluster is a PostgreSQL server of the test's own.
type cluster struct {
	t              *testing.T
	bin, dir, user string
	port           int
}

// newCluster makes and starts a server, or skips the test where there are no binaries or no rights.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	tools, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, err := exec.LookPath("initdb"); err == nil {
		tools = append(tools, path)
	}
	if len(tools) == 0 {
		t.Skip("no initdb in /usr/lib/postgresql/*/bin or PATH: install the server's package (postgresql)")
	}
	slices.Sort(tools)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &cluster{t: t, bin: filepath.Dir(tools[len(tools)-1]), dir: filepath.Join(t.TempDir(), "cluster"), port: free.Addr().(*net.TCPAddr).Port}
	free.Close()
	if err := os.Mkdir(k.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // PostgreSQL refuses to be run by root
		owner, err := user.Lookup("postgres")
		if err != nil {
			t.Skip("this is root and there is no user postgres to run a server as: run the test as another user")
		}
		if _, err := exec.LookPath("runuser"); err != nil {
			t.Skip("this is root and there is no runuser: run the test as another user")
		}
		k.user = owner.Username
		uid, _ := strconv.Atoi(owner.Uid)
		gid, _ := strconv.Atoi(owner.Gid)
		if err := os.Chown(k.dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		// The directories around it are the test's own, too, and closed to others.
		for dir := filepath.Dir(k.dir); dir != filepath.Clean(os.TempDir()) && dir != "/"; dir = filepath.Dir(dir) {
			if err := os.Chmod(dir, 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	k.run("initdb", "-D", k.data(), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale", "C")
	settings := fmt.Sprintf("listen_addresses = '127.0.0.1'\nport = %d\nunix_socket_directories = '%s'\nmax_connections = 60\n", k.port, k.dir)
	f, err := os.OpenFile(filepath.Join(k.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := os.Stat(filepath.Join(k.data(), "postmaster.pid")); err == nil {
			k.ctl("stop", "-m", "immediate")
		}
	})
	k.ctl("start", "-l", filepath.Join(k.dir, "log"))
	return k
}

func (k *cluster) data() string { return filepath.Join(k.dir, "data") }

func (k *cluster) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", k.port)
}

// ctl has pg_ctl do something, and waits for it.
func (k *cluster) ctl(what ...string) {
	k.t.Helper()
	k.run("pg_ctl", append([]string{"-D", k.data(), "-w", "-t", fmt.Sprint(int(patience.Seconds()))}, what...)...)
}

func (k *cluster) run(name string, args ...string) {
	k.t.Helper()
	line := append([]string{filepath.Join(k.bin, name)}, args...)
	if k.user != "" {
		line = append([]string{"runuser", "-u", k.user, "--"}, line...)
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = k.dir
	// What pg_ctl starts keeps its output open: a pipe would be waited for.
	out, err := os.CreateTemp(k.t.TempDir(), name)
	if err != nil {
		k.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(out.Name())
		log, _ := os.ReadFile(filepath.Join(k.dir, "log"))
		k.t.Fatalf("%s %v: %v\n%s\n%s", name, args, err, bytes.TrimSpace(said), log[max(0, len(log)-2000):])
	}
}
