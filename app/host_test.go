package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/driver/postgres"
	orm "gorm.io/gorm"
	"gorm.io/gorm/logger"

	"fibercrons/app"
	"fibercrons/app/contract"
	"fibercrons/app/cron"
	"fibercrons/app/env"
	"fibercrons/app/internal/testdb"
	_ "fibercrons/app/river"
	"fibercrons/app/scheduler"
)

// What a program that mounts an App may rely on.

// Two Apps in one process do not see each other, and nothing of them is left when they are closed.
func TestTwoAppsInOneProcess(t *testing.T) {
	defer goleak.VerifyNone(t)
	type note struct{ Text string }
	standard, environment := slog.Default(), os.Environ()
	type one struct {
		*app.App
		name string
		log  bytes.Buffer
		runs chan string
		end  func() error
	}
	start := func(name string) *one {
		o := &one{name: name, runs: make(chan string, 1)}
		registry := cron.NewRegistry()
		registry.Register("work", "@yearly", func(ctx context.Context) error {
			db := app.DB(ctx)
			if err := errors.Join(db.Migrator().CreateTable(&note{}), db.Create(&note{name}).Error); err != nil {
				return err
			}
			o.runs <- app.Config(ctx).AppEnv
			return errors.New("failed in " + name)
		})
		cfg := settings(t, filepath.Join(t.TempDir(), "crons.db"))
		cfg.AppEnv = name
		var err error
		if o.App, err = app.New(t.Context(), cfg, registry, app.Log(slog.New(slog.NewTextHandler(&o.log, nil)))); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
		ended := make(chan error, 1)
		go func() { ended <- o.Run(ctx) }()
		o.end = func() error { stop(); return errors.Join(<-ended, o.Close()) }
		return o
	}
	apps := []*one{start("first"), start("second")}
	for _, o := range apps {
		run, err := o.Crons.Trigger(t.Context(), "work", scheduler.Request{})
		if err == nil {
			run, err = o.Crons.Await(t.Context(), run.ID)
		}
		if err != nil || run.Status != cron.Failed || run.Error != "failed in "+o.name {
			t.Errorf("%s: %s, %s (%v)", o.name, run.Status, run.Error, err)
		}
		if ran := <-o.runs; ran != o.name {
			t.Errorf("the job of %s ran with the settings of %s", o.name, ran)
		}
	}
	for i, o := range apps {
		var notes []note
		if err := app.DB(o.Context(t.Context())).Find(&notes).Error; err != nil || len(notes) != 1 || notes[0].Text != o.name {
			t.Errorf("%s: %v (%v)", o.name, notes, err)
		}
		records, err := o.Store.Runs(t.Context(), contract.Query{Limit: 10})
		if err != nil || len(records) != 1 {
			t.Errorf("%s has %d runs (%v)", o.name, len(records), err)
		}
		if err := o.end(); err != nil {
			t.Error(err)
		}
		if text, other := o.log.String(), apps[1-i].name; !strings.Contains(text, "failed in "+o.name) || strings.Contains(text, "failed in "+other) {
			t.Errorf("the log of %s:\n%s", o.name, text)
		}
	}
	if slog.Default() != standard {
		t.Error("slog.Default was changed")
	}
	if !slices.Equal(os.Environ(), environment) {
		t.Error("the environment was changed")
	}
}

// An App on the program's own handle says where it is, and leaves DATABASE_URL and the pool alone.
func TestWithGorm(t *testing.T) {
	cfg := settings(t, filepath.Join(t.TempDir(), "unused.db"))
	log := app.Log(slog.New(slog.DiscardHandler))
	if _, err := app.New(t.Context(), cfg, cron.NewRegistry(), log, app.WithGorm(nil)); err == nil || !strings.Contains(err.Error(), "app.WithGorm was given nil") {
		t.Error(err)
	}
	testdb.OnServers(t, func(t *testing.T, k testdb.Kind) {
		u := k.URL(t)
		dialector := postgres.Open(u)
		if rest, is := strings.CutPrefix(u, "mysql://"); is {
			user, at, _ := strings.Cut(rest, "@")
			host, name, _ := strings.Cut(at, "/")
			dialector = gormmysql.Open(user + "@tcp(" + host + ")/" + name + "?interpolateParams=true")
		}
		theirs, err := orm.Open(dialector, &orm.Config{Logger: logger.Discard})
		if err != nil {
			t.Fatal(err)
		}
		pool, err := theirs.DB()
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		river := cfg
		river.Executor = env.ExecutorRiver
		if _, err := app.New(t.Context(), river, cron.NewRegistry(), log, app.WithGorm(theirs)); err == nil || !strings.Contains(err.Error(), "CRON_EXECUTOR=river") {
			t.Errorf("river: %v", err)
		}
		registry := cron.NewRegistry()
		registry.Register("work", "@yearly", func(ctx context.Context) error {
			db, err := app.DB(ctx).DB()
			if err != nil || db != pool {
				return fmt.Errorf("app.DB is not on the program's pool (%w)", err)
			}
			return nil
		})
		a, err := app.New(t.Context(), cfg, registry, log, app.WithGorm(theirs))
		if err != nil {
			t.Fatal(err)
		}
		run, err := a.Crons.Trigger(t.Context(), "work", scheduler.Request{})
		if err == nil {
			run, err = a.Crons.Await(t.Context(), run.ID)
		}
		if err != nil || run.Status != cron.Succeeded {
			t.Errorf("the run %s: %s (%v)", run.Status, run.Error, err)
		}
		if d := a.Config.Database; d.Driver != strings.ToLower(k.Name) || d.Name == "" || d.Host == "" || d.URL.IsSet() {
			t.Errorf("the database is %s", d)
		}
		for _, s := range a.Config.Settings() {
			if s.Name == "DATABASE_URL" && s.Value != "not used: app.WithGorm" {
				t.Errorf("DATABASE_URL is shown as %q", s.Value)
			}
		}
		if err := errors.Join(a.Crons.Close(t.Context()), a.Close(), pool.Ping()); err != nil {
			t.Error(err)
		}
		if n := pool.Stats().InUse; n != 0 {
			t.Errorf("%d connections were not given back", n)
		}
	})
	if _, err := os.Stat(cfg.Database.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("DATABASE_URL was opened: %v", err)
	}
}

// processWide are the functions that change the process for everybody in it, and the packages that may call them: those
// that are programs.
var (
	processWide = []string{
		"slog.SetDefault", "slog.SetLogLoggerLevel", "log.SetOutput", "signal.Notify", "signal.NotifyContext", "signal.Ignore", "signal.Reset",
		"os.Setenv", "os.Unsetenv", "os.Clearenv", "os.Getenv", "os.LookupEnv", "os.Environ", "os.Chdir", "os.Exit",
	}
	programs = []string{"app/env", "app/server", "app/cli", "app/internal/console"}
)

// stateful are the variables of packages that change, or can.
var stateful = map[string]string{
	"app/part.built":                "filled by init: the parts of the build",
	"app/part.Links":                "filled by init: the parts of the build",
	"app/part.Meters":               "filled by init: the parts of the build",
	"app/part.Queues":               "filled by init: the parts of the build",
	"app/part.Tracers":              "filled by init: the parts of the build",
	"app/alert.Mails":               "filled by init: the parts of the build",
	"app/store/db.parsers":          "filled by init: the databases of the build",
	"app/cron.Default":              "the registry of the template; a program can have others",
	"app/assembly.version":          "set by the linker",
	"app/dashboard.assets":          "embedded files, read once",
	"app/dashboard.parsed":          "embedded files, read once",
	"app/schedule.locations":        "a cache of time zones",
	"app/schedule.archived":         "embedded files, read once",
	"app/schedule.hostFirst":        "CRON_TZDATA, one for the process",
	"app/alert.own":                 "filled by init: the program's own channels, which its Apps share",
	"app/scheduler.batches":         "memory for reuse",
	"app/store/postgres.statements": "texts, with a cache of their forms",
	"app/store/mysql.statements":    "texts, with a cache of their forms",
	"app/store/sqlite.statements":   "texts, with a cache of their forms",
}

// What a program mounts changes nothing for the process, and keeps nothing outside of its App.
func TestNothingIsProcessWide(t *testing.T) {
	module := strings.TrimSpace(string(goList(t, "-m")))
	seen := map[string]bool{}
	scanned := 0
	deps := goList(t, "-deps", "./app", "./app/web", "./app/store/sqlite", "./app/store/postgres", "./app/store/mysql")
	for path := range strings.Lines(string(deps)) {
		name, ours := strings.CutPrefix(strings.TrimSpace(path), module+"/")
		if !ours {
			continue
		}
		for _, file := range parsed(t, filepath.Join("..", filepath.FromSlash(name))) {
			scanned++
			for _, call := range calls(file) {
				if slices.Contains(processWide, call) && !slices.Contains(programs, name) {
					t.Errorf("%s calls %s", name, call)
				}
			}
			for _, v := range changing(file) {
				seen[name+"."+v] = true
				if stateful[name+"."+v] == "" {
					t.Errorf("%s has the variable %s, which can change: keep it in a value, or say why in stateful", name, v)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(stateful)) {
		if !seen[name] {
			t.Errorf("%s is listed, and does not change", name)
		}
	}
	if scanned < 100 {
		t.Errorf("%d files: the test sees nothing", scanned)
	}
}

func parsed(t *testing.T, folder string) (files []*ast.File) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// calls are the functions of other packages that a file names, such as os.Exit, by the packages' own names.
func calls(file *ast.File) (all []string) {
	names := map[string]string{}
	for _, spec := range file.Imports {
		path, _ := strconv.Unquote(spec.Path.Value)
		name := path[strings.LastIndex(path, "/")+1:]
		if names[name] = name; spec.Name != nil {
			names[spec.Name.Name] = name
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && names[x.Name] != "" {
				all = append(all, names[x.Name]+"."+s.Sel.Name)
			}
		}
		return true
	})
	return all
}

// changing are the variables of a package that a file declares without a value, or with one that has a lock or a cache
// in it. Files that are embedded do not change.
func changing(file *ast.File) (names []string) {
	for _, decl := range file.Decls {
		vars, ok := decl.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		for _, spec := range vars.Specs {
			v := spec.(*ast.ValueSpec)
			doc := vars.Doc
			if v.Doc != nil {
				doc = v.Doc
			}
			embedded := doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed") })
			can := len(v.Values) == 0 && !embedded
			ast.Inspect(v, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					x, _ := s.X.(*ast.Ident)
					can = can || x != nil && (x.Name == "sync" || x.Name == "atomic" || x.Name == "db" && s.Sel.Name == "Statements")
				}
				if call, ok := n.(*ast.CallExpr); ok {
					f, _ := call.Fun.(*ast.Ident)
					can = can || f != nil && f.Name == "NewRegistry"
				}
				_, function := n.(*ast.FuncLit)
				return !function
			})
			for _, name := range v.Names {
				if can && name.Name != "_" {
					names = append(names, name.Name)
				}
			}
		}
	}
	return names
}
