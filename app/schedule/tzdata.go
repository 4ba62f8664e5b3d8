package schedule

import (
	"archive/zip"
	_ "embed"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The tz database is part of the build: hosts with different zone files would compute different slots for one job and
// run it twice. The archive is Go's $GOROOT/lib/time/zoneinfo.zip; update.bash beside it names the release.
var (
	//go:embed zoneinfo.zip
	zoneArchive string
	//go:embed zoneinfo.version
	zoneRelease string
)

// archived are the zones of the build by name.
var archived = sync.OnceValue(func() map[string]*zip.File {
	r, err := zip.NewReader(strings.NewReader(zoneArchive), int64(len(zoneArchive)))
	if err != nil {
		panic("schedule: the embedded zoneinfo.zip cannot be read: " + err.Error())
	}
	files := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		if !strings.HasSuffix(f.Name, "/") {
			files[f.Name] = f
		}
	}
	return files
})

// locations are the zones already loaded from the build, by name.
var locations sync.Map

var hostFirst atomic.Bool

// PreferHost makes LoadLocation read the host's zone files first, as time.LoadLocation does, and the build's only for
// zones that the host lacks. Call it at start-up, before parsing schedules. All replicas must then have the same files.
func PreferHost(prefer bool) { hostFirst.Store(prefer) }

// DataVersion names the tz database that LoadLocation reads: a release such as 2026b. After PreferHost it is "host",
// with the release of the host's files if known.
func DataVersion() string {
	release := strings.TrimSpace(zoneRelease)
	if !hostFirst.Load() {
		return release
	}
	if host := hostRelease(); host != "" {
		return "host " + host
	}
	return "host"
}

// hostRelease reads the release from the files of distributions and macOS, or returns "".
func hostRelease() string {
	for _, dir := range []string{"/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo"} {
		for _, name := range []string{"+VERSION", "tzdata.zi"} {
			f, err := os.Open(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			head := make([]byte, 64)
			n, _ := io.ReadFull(f, head)
			_ = f.Close() // it was only read
			line, _, _ := strings.Cut(string(head[:n]), "\n")
			if line = strings.TrimSpace(strings.TrimPrefix(line, "# version ")); line != "" {
				return line
			}
		}
	}
	return ""
}

// loadZone is the only place where a zone is loaded.
func loadZone(name string) (*time.Location, bool) {
	if hostFirst.Load() {
		if loc, err := time.LoadLocation(name); err == nil {
			return loc, true
		}
	}
	if loc, ok := locations.Load(name); ok {
		return loc.(*time.Location), true
	}
	f, ok := archived()[name]
	if !ok {
		return nil, false
	}
	r, err := f.Open()
	if err != nil {
		return nil, false
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, false
	}
	loc, err := time.LoadLocationFromTZData(name, data)
	if err != nil {
		return nil, false
	}
	known, _ := locations.LoadOrStore(name, loc)
	return known.(*time.Location), true
}
