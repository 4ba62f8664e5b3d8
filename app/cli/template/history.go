package template

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// repo is a git repository that has the template's history.
type repo struct{ dir string }

// git runs git in the repository, whoever owns it.
func (r repo) git(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "safe.directory=*", "-C", r.dir}, args...)...)
	// Hooks set these for their own repository.
	cmd.Env = append(without(cmd.Environ(), "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"), "GIT_TERMINAL_PROMPT=0")
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if said, ok := errors.AsType[*exec.ExitError](err); ok && len(said.Stderr) > 0 {
		err = errors.New(strings.TrimSpace(string(said.Stderr)))
	}
	return nil, fmt.Errorf("git %s: %w", args[0], err)
}

func without(environ []string, names ...string) (kept []string) {
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		drop := false
		for _, n := range names {
			drop = drop || n == name
		}
		if !drop {
			kept = append(kept, e)
		}
	}
	return kept
}

// openRepo returns the repository whose top folder is dir, or a bare one, if git is there.
func openRepo(ctx context.Context, dir string) (repo, bool) {
	r := repo{dir}
	if out, err := r.git(ctx, "rev-parse", "--is-bare-repository"); err != nil {
		return r, false
	} else if strings.TrimSpace(string(out)) == "true" {
		return r, true
	}
	prefix, err := r.git(ctx, "rev-parse", "--show-prefix")
	return r, err == nil && strings.TrimSpace(string(prefix)) == ""
}

// clone fetches a whole repository into dir, without a work tree.
func clone(ctx context.Context, url, dir string) (repo, error) {
	_, err := repo{"."}.git(ctx, "clone", "--quiet", "--bare", "--", url, dir)
	return repo{dir}, err
}

// commit resolves a version: a tag, a branch or a commit.
func (r repo) commit(ctx context.Context, version string) (string, error) {
	for _, name := range []string{"refs/tags/" + version, version, "refs/remotes/origin/" + version} {
		if strings.HasPrefix(name, "-") {
			break
		}
		out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		if err == nil {
			return strings.TrimSpace(string(out)), nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	return "", fmt.Errorf("there is no version %q", version)
}

// tree reads the files of a commit.
func (r repo) tree(ctx context.Context, commit string) (tree, error) {
	out, err := r.git(ctx, "archive", "--format=tar", commit)
	if err != nil {
		return nil, err
	}
	return readTar(bytes.NewReader(out))
}

// sums are the names of a commit's files with the hashes of their texts.
func (r repo) sums(ctx context.Context, commit string) (map[string]string, error) {
	out, err := r.git(ctx, "ls-tree", "-r", "-z", commit)
	if err != nil {
		return nil, err
	}
	sums := map[string]string{}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		meta, name, ok := strings.Cut(entry, "\t")
		if f := strings.Fields(meta); ok && len(f) == 3 {
			sums[name] = f[2]
		}
	}
	return sums, nil
}

// commits lists all commits, the newest first.
func (r repo) commits(ctx context.Context) ([]string, error) {
	out, err := r.git(ctx, "rev-list", "--all")
	return strings.Fields(string(out)), err
}

// text is a file's text in a commit.
func (r repo) text(ctx context.Context, commit, name string) (string, bool) {
	out, err := r.git(ctx, "cat-file", "blob", commit+":"+name)
	return string(out), err == nil
}
