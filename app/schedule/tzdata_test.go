package schedule_test

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"
	"time"

	"fibercrons/app/schedule"
)

// TestZonesAreTheBuilds gives the host zone files that disagree: Europe/Berlin
// is Tokyo's there. ZONEINFO is the first place where time.LoadLocation looks.
func TestZonesAreTheBuilds(t *testing.T) {
	dir := t.TempDir()
	lie := tokyo(t)
	if err := os.MkdirAll(filepath.Join(dir, "Europe"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "Europe", "Berlin"), lie, 0o600); err != nil {
		t.Fatal(err)
	}
	// package time reads ZONEINFO once in the life of a process.
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), "ZONEINFO="+dir, askZone+"=1")
	out, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if want := regexp.MustCompile(`^embedded 01:00 20\d\d[a-z]\nhost 09:00 host`); !want.Match(out) {
		t.Errorf("on a host with other zone files slots are %q, want %s", out, want)
	}
}

const askZone = "SCHEDULE_TEST_ASK_ZONE"

func TestMain(m *testing.M) {
	if os.Getenv(askZone) != "" {
		zoneChild()
		return
	}
	os.Exit(m.Run())
}

// tokyo returns a zone file that is not Berlin's.
func tokyo(t *testing.T) []byte {
	t.Helper()
	archive, err := zip.OpenReader("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	data, err := fs.ReadFile(archive, "Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDataVersionIsGos holds the archive to that of the Go release which builds it, so that it is renewed with Go.
func TestDataVersionIsGos(t *testing.T) {
	root := runtime.GOROOT() //nolint:staticcheck // where the toolchain that runs this test lives
	script, err := os.ReadFile(filepath.Join(root, "lib", "time", "update.bash"))
	if err != nil {
		t.Skip("this Go has no lib/time/update.bash: ", err)
	}
	found := regexp.MustCompile(`(?m)^DATA=(\S+)`).FindSubmatch(script)
	if found == nil {
		t.Skip("update.bash does not name its release")
	}
	const renew = "copy $(go env GOROOT)/lib/time/zoneinfo.zip to app/schedule and write the DATA of update.bash into zoneinfo.version"
	ours, gos := schedule.DataVersion(), string(found[1])
	if ours < gos {
		t.Errorf("the embedded zones are %s, and this Go has %s: %s", ours, gos, renew)
	}
	if ours != gos {
		return
	}
	a, err := os.ReadFile(filepath.Join(root, "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip(err)
	}
	b, err := os.ReadFile("zoneinfo.zip")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("zoneinfo.zip is not Go's of %s: %s", gos, renew)
	}
}

// zoneChild is what TestMain runs in a process of its own.
func zoneChild() {
	at := time.Unix(0, 0)
	for _, prefer := range []bool{false, true} {
		schedule.PreferHost(prefer)
		loc, err := schedule.LoadLocation("Europe/Berlin")
		if err != nil {
			panic(err)
		}
		name := "embedded"
		if prefer {
			name = "host"
		}
		os.Stdout.WriteString(name + " " + at.In(loc).Format("15:04") + " " + schedule.DataVersion() + "\n")
	}
}
