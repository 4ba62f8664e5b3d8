package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rule says what a package of the template may import: which of its siblings, and which modules of
// others. A name that ends in /... stands for everything below it.
type rule struct {
	inner, outer []string
	yours        bool // users write here: packages and modules of their own are theirs to choose
}

const (
	quartz     = "github.com/reugn/go-quartz"
	uuid       = "github.com/google/uuid"
	jsonschema = "github.com/google/jsonschema-go"
	gorm       = "gorm.io/gorm"
	glebarez   = "github.com/glebarez"
	pgx        = "github.com/jackc/pgx/v5"
	mysql      = "github.com/go-sql-driver/mysql"
	fiber      = "github.com/gofiber/fiber/v2"
	fasthttp   = "github.com/valyala/fasthttp"
)

// arrows point down: nothing below knows what stands above it.
var arrows = map[string]rule{
	"cmd/server":               {inner: []string{"app/cron", "app/parts", "app/server", "config", "jobs", "models", "routes"}, yours: true},
	"cmd/cli":                  {inner: []string{"app/cli", "app/cron", "app/parts", "config", "jobs", "models"}, yours: true},
	"app/server":               {inner: []string{"app", "app/cron", "app/env", "app/internal/console", "app/ops", "app/store/row", "app/web/site"}},
	"app/cli":                  {inner: []string{"app", "app/alert", "app/cli/dev", "app/cli/source", "app/cli/template", "app/cli/term", "app/contract", "app/cron", "app/env", "app/internal/console", "app/internal/texts", "app/metrics/board", "app/ops", "app/part", "app/schedule", "app/scheduler", "app/store", "app/store/row"}, outer: []string{"github.com/spf13/cobra"}},
	"app/cli/dev":              {inner: []string{"app/internal/console"}, outer: []string{"golang.org/x/sys"}},
	"app/cli/template":         {inner: []string{"app/cli/source"}, outer: []string{"golang.org/x/mod", "github.com/aymanbagabas/go-udiff"}},
	"app/cli/source":           {outer: []string{"golang.org/x/mod"}},
	"app/cli/term":             {inner: []string{"app/internal/console", "app/internal/texts"}, outer: []string{"github.com/jedib0t/go-pretty/v6"}},
	"app/internal/console":     {inner: []string{"app/env"}, outer: []string{"github.com/lmittmann/tint", "github.com/mattn/go-isatty", "golang.org/x/sys"}},
	"app/web":                  {inner: []string{"app", "app/dashboard", "app/part", "app/scheduler", "app/web/access", "app/web/api", "app/web/pages", "app/web/reply", "app/web/request"}, outer: []string{fiber}},
	"app/web/site":             {inner: []string{"app", "app/web/access", "app/web/reply", "app/web/request"}, outer: []string{fiber, fasthttp}},
	"app/web/api":              {inner: []string{"app", "app/contract", "app/cron", "app/feed", "app/internal/memo", "app/ops", "app/scheduler", "app/web/access", "app/web/openapi", "app/web/reply", "app/web/request"}, outer: []string{fiber}},
	"app/web/pages":            {inner: []string{"app", "app/contract", "app/cron", "app/dashboard", "app/ops", "app/scheduler", "app/web/access", "app/web/reply", "app/web/request"}, outer: []string{fiber}},
	"app/web/request":          {inner: []string{"app/alert", "app/contract", "app/cron", "app/internal/members", "app/web/access", "app/web/reply"}, outer: []string{fiber}},
	"app/web/reply":            {inner: []string{"app/contract", "app/cron", "app/scheduler", "app/web/access"}, outer: []string{fiber}},
	"app/web/openapi":          {},
	"app/web/access":           {inner: []string{"app/env", "app/tokens"}, outer: []string{fiber}},
	"jobs":                     {inner: []string{"app", "app/alert", "app/cron", "config", "models"}, yours: true},
	"routes":                   {inner: []string{"app", "app/cron", "app/web", "config", "models"}, outer: []string{fiber}, yours: true},
	"app":                      {inner: []string{"app/alert", "app/assembly", "app/contract", "app/cron", "app/env", "app/feed", "app/internal/background", "app/ops", "app/outgoing", "app/part", "app/ping", "app/store", "app/store/row", "app/tokens"}, outer: []string{gorm}}, // gorm for the type of DB alone
	"app/assembly":             {inner: []string{"app/alert", "app/contract", "app/cron", "app/env", "app/outgoing", "app/part", "app/scheduler"}},
	"app/part":                 {inner: []string{"app/contract", "app/cron", "app/env"}},
	"app/parts":                {inner: []string{"app/alert/mail", "app/asynq", "app/metrics", "app/redis", "app/river", "app/store/mysql", "app/store/postgres", "app/store/sqlite", "app/trace"}, yours: true},
	"app/crontest":             {inner: []string{"app/contract", "app/cron", "app/plan", "app/scheduler"}},
	"app/internal/webtest":     {inner: []string{"app", "app/cron", "app/env", "app/metrics", "app/store/sqlite", "app/web", "app/web/site"}, outer: []string{fiber, jsonschema, "go.uber.org/goleak"}},
	"app/internal/conformance": {inner: []string{"app/contract", "app/cron", "app/crontest", "app/internal/millis", "app/plan", "app/scheduler"}, outer: []string{uuid}},
	"app/dashboard":            {inner: []string{"app/alert", "app/contract", "app/cron", "app/internal/memo", "app/ops", "app/schedule"}},
	"app/store":                {inner: []string{"app/alert", "app/contract", "app/cron", "app/plan", "app/store/alerts", "app/store/db", "app/store/row", "app/store/schedules", "app/store/usertx"}, outer: []string{gorm}},
	"app/store/schedules":      {inner: []string{"app/contract", "app/cron", "app/store/db", "app/store/row"}, outer: []string{gorm}},
	"app/store/alerts":         {inner: []string{"app/alert", "app/cron", "app/store/row"}, outer: []string{gorm, uuid}},
	"app/store/db":             {inner: []string{"app/part", "app/store/row", "app/store/usertx"}, outer: []string{gorm, uuid}},
	"app/store/sqlite":         {inner: []string{"app/part", "app/store/db", "app/store/usertx"}, outer: []string{gorm, glebarez}},
	"app/store/postgres":       {inner: []string{"app/part", "app/store/db", "app/store/remote"}, outer: []string{gorm, "gorm.io/driver", pgx}},
	"app/store/mysql":          {inner: []string{"app/internal/texts", "app/part", "app/store/db", "app/store/remote"}, outer: []string{gorm, "gorm.io/driver", mysql}},
	"app/store/remote":         {inner: []string{"app/store/db"}, outer: []string{gorm}},
	"app/store/usertx":         {inner: []string{"app/cron"}, outer: []string{gorm}},
	"app/internal/testdb":      {inner: []string{"app/store/mysql", "app/store/postgres", "app/store/sqlite"}, outer: []string{uuid}},
	"app/redis":                {inner: []string{"app/contract", "app/internal/redisurl", "app/part"}, outer: []string{"github.com/gomodule/redigo"}},
	"app/internal/redisurl":    {},
	"app/river":                {inner: []string{"app/contract", "app/cron", "app/part"}, outer: []string{"github.com/riverqueue", pgx}},
	"app/asynq":                {inner: []string{"app/contract", "app/cron", "app/internal/redisurl", "app/part"}, outer: []string{"github.com/hibiken/asynq"}},
	"app/metrics/board":        {},
	"app/metrics":              {inner: []string{"app/contract", "app/cron", "app/metrics/board", "app/part"}, outer: []string{"github.com/prometheus", "google.golang.org/protobuf"}},
	"app/trace":                {inner: []string{"app/contract", "app/cron", "app/part"}, outer: []string{"go.opentelemetry.io"}},
	"app/alert":                {inner: []string{"app/contract", "app/cron", "app/internal/millis", "app/internal/texts", "app/part"}, outer: []string{uuid}},
	"app/alert/mail":           {inner: []string{"app/alert", "app/internal/texts"}, outer: []string{"github.com/wneessen/go-mail"}},
	"app/ping":                 {inner: []string{"app/contract", "app/cron", "app/outgoing"}},
	"app/deploy":               {},
	"app/outgoing":             {outer: []string{"golang.org/x/net"}},
	"app/feed":                 {inner: []string{"app/contract", "app/cron", "app/ops"}},
	"app/ops":                  {inner: []string{"app/contract", "app/cron", "app/internal/members", "app/internal/millis", "app/plan", "app/schedule", "app/scheduler"}},
	"app/internal/bubble":      {inner: []string{"app/contract", "app/cron", "app/feed", "app/ops", "app/scheduler"}},
	"app/runner":               {inner: []string{"app/contract", "app/cron", "app/internal/millis", "app/internal/retry", "app/internal/runkey", "app/internal/texts", "app/plan"}},
	"app/contract":             {inner: []string{"app/cron", "app/plan"}},
	"app/plan":                 {inner: []string{"app/cron", "app/schedule"}},
	"app/scheduler":            {inner: []string{"app/clock", "app/contract", "app/cron", "app/internal/millis", "app/internal/retry", "app/plan", "app/runner", "app/schedule"}, outer: []string{uuid}},
	"app/cron":                 {inner: []string{"app/internal/millis", "app/internal/runkey", "app/internal/texts", "app/schedule"}, outer: []string{jsonschema}},
	"app/clock":                {inner: []string{"app/schedule"}, outer: []string{quartz}},
	"app/schedule":             {},
	"app/internal/background":  {},
	"app/internal/members":     {},
	"app/internal/memo":        {},
	"app/internal/millis":      {},
	"app/tokens":               {},
	"app/internal/retry":       {},
	"app/internal/runkey":      {},
	"app/internal/texts":       {},
	"config":                   {inner: []string{"app/env"}, yours: true},
	"app/env":                  {inner: []string{"app/internal/texts", "app/schedule"}, outer: []string{"github.com/caarlos0/env/v11", "github.com/joho/godotenv"}},
	"app/store/row":            {inner: []string{"app/internal/millis"}, outer: []string{gorm}},
	"models":                   {inner: []string{"app/store/row"}, outer: []string{gorm}, yours: true},
}

func TestArrowsPointDown(t *testing.T) {
	module := strings.TrimSpace(string(goList(t, "-m")))
	known := 0
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module+"/")
		rule, ok := arrows[name]
		if !ok {
			if strings.HasPrefix(name, "app/") {
				t.Errorf("%s is not among the packages of the template; give it a rule", name)
			}
			continue // a package of the user's
		}
		known++
		for _, path := range pkg.Imports {
			inner, isInner := strings.CutPrefix(path, module+"/")
			_, isKnown := arrows[inner]
			switch {
			case isInner && rule.yours && !isKnown:
			case isInner && !allowed(rule.inner, inner):
				t.Errorf("%s imports %s; it may import %s", name, inner, orNothing(rule.inner))
			case !isInner && !rule.yours && strings.Contains(strings.SplitN(path, "/", 2)[0], ".") && !within(rule.outer, path):
				t.Errorf("%s imports %s; of other modules it may import %s", name, path, orNothing(rule.outer))
			}
		}
	}
	if known < 8 {
		t.Errorf("only %d packages were looked at: the test sees nothing", known)
	}
}

// Each outside technology has one home, so that it can be replaced there.
func TestOneTechnologyPerPackage(t *testing.T) {
	homes := map[string][]string{
		"github.com/reugn/":      {"app/clock"},
		"gorm.io/":               {"app", "app/store", "app/store/alerts", "app/store/db", "app/store/mysql", "app/store/postgres", "app/store/remote", "app/store/row", "app/store/schedules", "app/store/sqlite", "app/store/usertx", "models"},
		"gorm.io/driver/":        {"app/store/mysql", "app/store/postgres"},
		"github.com/glebarez/":   {"app/store/sqlite"},
		"github.com/gofiber/":    {"app/web", "app/web/access", "app/web/api", "app/web/pages", "app/web/reply", "app/web/request", "app/web/site", "app/internal/webtest", "routes"},
		pgx:                      {"app/store/postgres", "app/river"},
		mysql:                    {"app/store/mysql"},
		"github.com/valyala/":    {"app/web/site"},
		"github.com/gomodule/":   {"app/redis"},
		"github.com/riverqueue/": {"app/river"},
		"github.com/hibiken/":    {"app/asynq"},
		"github.com/prometheus/": {"app/metrics"},
		"go.opentelemetry.io/":   {"app/trace"},
		"github.com/caarlos0/":   {"app/env"},
		"github.com/joho/":       {"app/env"},
		"github.com/spf13/":      {"app/cli"},
		"github.com/jedib0t/":    {"app/cli/term"},
		"golang.org/x/mod/":      {"app/cli/source", "app/cli/template"},
		"database/sql":           {"app/store", "app/store/db", "app/store/mysql", "app/store/postgres", "app/store/remote", "app/store/row", "app/store/sqlite", "app/store/usertx", "app/internal/testdb"},
		"github.com/wneessen/":   {"app/alert/mail"},
	}
	module := strings.TrimSpace(string(goList(t, "-m")))
	for _, pkg := range packages(t) {
		name := strings.TrimPrefix(pkg.ImportPath, module+"/")
		if _, ours := arrows[name]; !ours || name == "jobs" {
			continue
		}
		for _, path := range pkg.Imports {
			for technology, home := range homes {
				if strings.HasPrefix(path, technology) && !slices.Contains(home, name) {
					t.Errorf("%s imports %s, whose home is %s", name, path, strings.Join(home, ", "))
				}
			}
		}
	}
}

// A database's driver is in the build only with its part.
func TestDriversComeWithTheirParts(t *testing.T) {
	driver := regexp.MustCompile(`^(github\.com/(glebarez|go-sql-driver|jackc|lib)/|modernc\.org/|gorm\.io/driver/)`)
	seen := 0
	for _, name := range []string{"app/store", "app/store/db", "app/store/remote", "app/internal/conformance"} {
		for path := range strings.Lines(string(goList(t, "-deps", "./"+name))) {
			seen++
			if driver.MatchString(path) {
				t.Errorf("%s is built with %s", name, path)
			}
		}
	}
	for part, other := range map[string]*regexp.Regexp{
		"sqlite":   regexp.MustCompile(`^(github\.com/(go-sql-driver|jackc)/|gorm\.io/driver/)`),
		"postgres": regexp.MustCompile(`^(github\.com/(glebarez|go-sql-driver)/|modernc\.org/)`),
		"mysql":    regexp.MustCompile(`^(github\.com/(glebarez|jackc)/|modernc\.org/)`),
	} {
		own := false
		for path := range strings.Lines(string(goList(t, "-deps", "./app/store/"+part))) {
			if other.MatchString(path) {
				t.Errorf("app/store/%s is built with %s", part, path)
			}
			own = own || driver.MatchString(path)
		}
		if !own {
			t.Errorf("app/store/%s is built without a driver: the test sees nothing", part)
		}
	}
	if seen < 100 {
		t.Errorf("%d packages: the test sees nothing", seen)
	}
}

func allowed(list []string, name string) bool {
	for _, one := range list {
		below, all := strings.CutSuffix(one, "/...")
		if name == below || all && strings.HasPrefix(name, below+"/") {
			return true
		}
	}
	return false
}

func within(modules []string, path string) bool {
	return slices.ContainsFunc(modules, func(m string) bool { return path == m || strings.HasPrefix(path, m+"/") })
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

type listed struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) (all []listed) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(goList(t, "-json=ImportPath,Imports", "./...")))
	for {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func goList(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return out
}

// A zone that is loaded by package time comes from the host's files, which differ from one machine to
// another. Only what a user writes may do so.
func TestZonesComeFromSchedule(t *testing.T) {
	scanned := 0
	for _, dir := range []string{".", "../cmd", "../config", "../routes", "../models"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			scanned++
			if bytes.Contains(text, []byte("time.LoadLocation(")) && path != filepath.Join("schedule", "tzdata.go") {
				t.Errorf("%s calls time.LoadLocation: use schedule.LoadLocation", path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if scanned < 100 {
		t.Errorf("scanned %d files: the test sees nothing", scanned)
	}
}
