package template

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"fibercrons/app/cli/source"
)

// Begin makes a program of the user's own from a fresh copy of the template: it records the version, renames the module,
// removes what only the template needs, and writes .env and README.md. It returns a sentence for each thing it did, and
// does only what is not done yet, so that a second time is harmless.
func Begin(dir, module string) (did []string, err error) {
	from, err := source.Module(dir)
	if err != nil {
		return nil, err
	}
	edits, err := source.Rename(dir, from, module)
	if err != nil {
		return nil, err
	}
	if err := source.Apply(edits); err != nil {
		return nil, err
	}
	if len(edits) > 0 {
		did = append(did, fmt.Sprintf("the module is %s now; files changed: %d", module, len(edits)))
	}
	if err := Record(dir); err != nil {
		return did, err
	}
	for _, step := range []func(dir, module string) (string, error){removeTemplates, writeReadme, writeEnv} {
		said, err := step(dir, module)
		if err != nil {
			return did, err
		}
		if said != "" {
			did = append(did, said)
		}
	}
	return did, nil
}

// removeTemplates removes the files that only the template needs, and folders that are empty then.
func removeTemplates(dir, _ string) (string, error) {
	n := 0
	for _, name := range parseList(listed).only {
		file := filepath.Join(dir, filepath.FromSlash(name))
		err := os.Remove(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		n++
		for folder := filepath.Dir(file); folder != filepath.Clean(dir) && os.Remove(folder) == nil; folder = filepath.Dir(folder) {
		}
	}
	if n == 0 {
		return "", nil
	}
	return "removed what only the template needs: its CI, guides, changelog and screenshot", nil
}

// writeEnv writes .env with tokens of the program's own, unless there is one.
func writeEnv(dir, _ string) (string, error) {
	f, err := os.OpenFile(filepath.Join(dir, ".env"), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in the user's folder
	if errors.Is(err, fs.ErrExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	_, err = fmt.Fprintf(f, "# The settings of this checkout; .env.example has them all. Not for git.\n"+
		"CRON_OPERATOR_TOKEN=%s\nCRON_VIEWER_TOKEN=%s\n", freshToken(), freshToken())
	return "wrote .env with tokens: the dashboard asks for CRON_OPERATOR_TOKEN", errors.Join(err, f.Close())
}

func freshToken() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// writeReadme puts a README of the program in place of the template's.
func writeReadme(dir, module string) (string, error) {
	file := filepath.Join(dir, "README.md")
	old, err := os.ReadFile(file) //nolint:gosec // in the user's folder
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if err == nil && !strings.HasPrefix(string(old), "# "+source.Template+"\n") && !strings.HasPrefix(string(old), "# "+source.Template+"\r\n") {
		return "", nil
	}
	name := path.Base(module)
	if up := path.Dir(module); majorVersion.MatchString(name) && up != "." {
		name = path.Base(up)
	}
	if name == source.Template {
		name += " program" // the template's README is known by its first line
	}
	return "wrote README.md", os.WriteFile(file, []byte(strings.ReplaceAll(readme, "NAME", name)), 0o644) //nolint:gosec // for all to read
}

const readme = `# NAME

Cron jobs, one file each in ` + "`jobs/`" + `.

` + "```sh" + `
go run ./cmd/cli dev                         # the server, built anew on each change: http://127.0.0.1:3000/crons/dashboard
go run ./cmd/cli new cleanup "30 2 * * *"    # a new job
go run ./cmd/cli run-job cleanup             # runs it here and now
go run ./cmd/cli list                        # all jobs, and when they run next
go run ./cmd/cli check                       # every mistake in jobs and settings at once, for CI
go run ./cmd/cli update                      # a newer version of the template
go test ./...
` + "```" + `

The dashboard asks for a token: ` + "`CRON_OPERATOR_TOKEN`" + ` in ` + "`.env`" + `. ` + "`.env.example`" + ` lists every setting with its default.

| | |
|---|---|
| ` + "`jobs/`" + ` | one file per job; ` + "`jobs/doc.go`" + ` is the recipe |
| ` + "`routes/`" + ` | what is served where |
| ` + "`models/`" + ` | gorm models, and the migrations that make their tables |
| ` + "`config/local.go`" + ` | settings of this program's own; then ` + "`go test ./config -update`" + ` |
| ` + "`app/parts/`" + ` | which optional parts are built in |

The rest of ` + "`app/`" + `, ` + "`config/config.go`" + `, the template's files in ` + "`models/`" + `, and ` + "`cmd/`" + ` are the [Fiber](https://gofiber.io) template this program
began with (MIT, see ` + "`LICENSE`" + `). ` + "`cli update`" + ` replaces them, so edits belong elsewhere. How it works: ` + "`go doc ./app/cron`" + `.
`
