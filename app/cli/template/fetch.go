package template

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// version is one version of the template.
type version struct {
	tree    tree
	name    string // for people: a tag, or what git describe or the changelog says
	commit  string // empty if unknown
	from    string // a URL to get newer versions from; empty for a folder or a zip
	history *repo  // nil if there is none
}

// scpLike is git's short form of an ssh URL, user@host:path.
var scpLike = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^/]`)

func isURL(from string) bool { return strings.Contains(from, "://") || scpLike.MatchString(from) }

// fetch reads the version to of the template, by default the newest, from a URL, a folder or a zip. What it has to keep it
// puts into scratch.
func fetch(ctx context.Context, from, to, scratch string) (version, error) {
	v, err := get(ctx, from, to, scratch)
	if err == nil {
		err = v.tree.check()
	}
	if err != nil {
		return version{}, fmt.Errorf("template from %s: %w", withoutPassword(from), err)
	}
	if v.name == "" {
		v.name = newest(v.tree.text(changelogFile))
	}
	return v, nil
}

func get(ctx context.Context, from, to, scratch string) (version, error) {
	if isURL(from) {
		return download(ctx, from, to, scratch)
	}
	info, err := os.Stat(from)
	switch {
	case err != nil:
		return version{}, err
	case info.IsDir():
		return folder(ctx, from, to)
	}
	return zipped(from, to)
}

func folder(ctx context.Context, dir, to string) (v version, err error) {
	if r, ok := openRepo(ctx, dir); ok {
		v.history = &r
	}
	_, bare := os.Stat(filepath.Join(dir, "go.mod"))
	if to == "" && bare == nil {
		if v.history != nil {
			if out, err := v.history.git(ctx, "describe", "--tags", "--always", "--dirty"); err == nil {
				v.name = strings.TrimSpace(string(out))
			}
			if !strings.HasSuffix(v.name, "-dirty") {
				v.commit, _ = v.history.commit(ctx, "HEAD")
			}
		}
		v.tree, err = readFolder(dir, inTemplate)
		return v, err
	}
	if v.history == nil {
		return v, errors.New("the folder is no git repository, so it has one version: leave out --to")
	}
	err = v.at(ctx, to)
	return v, err
}

// at reads a version of the history; empty is the newest.
func (v *version) at(ctx context.Context, to string) (err error) {
	if to == "" {
		to = "HEAD"
	}
	if v.commit, err = v.history.commit(ctx, to); err != nil {
		return err
	}
	out, err := v.history.git(ctx, "describe", "--tags", "--always", v.commit)
	if err != nil {
		return err
	}
	v.name = strings.TrimSpace(string(out))
	v.tree, err = v.history.tree(ctx, v.commit)
	return err
}

func zipped(path, to string) (v version, err error) {
	if to != "" {
		return v, errors.New("a zip has one version: leave out --to")
	}
	v.tree, v.commit, err = readZip(path)
	if !regexp.MustCompile(`^[0-9a-f]{40}$`).MatchString(v.commit) {
		v.commit = ""
	}
	return v, err
}

func download(ctx context.Context, from, to, scratch string) (v version, err error) {
	name := filepath.Join(scratch, "template")
	if strings.HasSuffix(from, ".zip") && strings.HasPrefix(from, "http") {
		if err := save(ctx, from, name); err != nil {
			return v, err
		}
		return zipped(name, to)
	}
	v.from = withoutPassword(from)
	if _, err := exec.LookPath("git"); err != nil {
		ref := to
		if ref == "" {
			ref = "HEAD"
		}
		if !strings.HasPrefix(from, "https://github.com/") {
			return v, errors.New("git is needed to get this; install it, or give a zip or a folder")
		}
		if err := save(ctx, strings.TrimSuffix(from, ".git")+"/archive/"+url.PathEscape(ref)+".zip", name); err != nil {
			return v, err
		}
		z, err := zipped(name, "")
		z.from = v.from
		return z, err
	}
	r, err := clone(ctx, from, name)
	if err != nil {
		return v, err
	}
	v.history = &r
	err = v.at(ctx, to)
	return v, err
}

// save downloads a file of limited size.
func save(ctx context.Context, from, to string) error {
	ctx, stop := context.WithTimeout(ctx, 5*time.Minute)
	defer stop()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the server says %s", resp.Status)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // in a folder of our own
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(resp.Body, whole+1))
	if err == nil && n > whole {
		err = errTooLarge
	}
	return errors.Join(err, f.Close())
}

// withoutPassword is a URL as it may be shown and kept.
func withoutPassword(from string) string {
	u, err := url.Parse(from)
	if err != nil || u.User == nil {
		return from
	}
	if _, has := u.User.Password(); has || strings.HasPrefix(u.Scheme, "http") {
		u.User = nil
	}
	return u.String()
}
