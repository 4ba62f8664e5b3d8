package template

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// base is the version of the template that a program has.
type base struct {
	version string
	sums    map[string]string
	text    func(name string) (string, bool) // in the template's words; false if it cannot be known
}

func (r record) base(history *repo) base {
	return base{r.Version, r.Sums, func(name string) (string, bool) {
		text, ok := r.Base[name]
		if !ok && history != nil && r.Commit != "" {
			text, ok = history.text(context.Background(), r.Commit, name)
		}
		return text, ok
	}}
}

// has says whether the version has the file.
func (b base) has(name string) bool {
	if _, ok := b.sums[name]; ok {
		return true
	}
	_, ok := b.text(name)
	return ok
}

// same says whether a file of the program is as this version of the template has it.
func (b base) same(p program, name string) bool {
	mine := p.tree[name].text
	if sum, ok := b.sums[name]; ok && strings.HasPrefix(hash(mine), sum) {
		return true
	}
	// A text that named the program's path before is told apart only by itself.
	text, ok := b.text(name)
	if !ok {
		return false
	}
	theirs, err := p.canon.Rewrite(path.Base(name), []byte(text))
	return err == nil && string(theirs) == string(mine)
}

// baseOf finds the version that the program has: the recorded one, or that of the history which fits best.
func baseOf(ctx context.Context, p program, l list, history *repo) (base, error) {
	r, err := readRecord(p.dir)
	if err != nil {
		return base{}, err
	}
	if r != nil {
		b := r.base(history)
		if edited, _ := b.compare(p, l, nil); len(edited) == 0 || history == nil {
			return b, nil
		}
	}
	found, ours, err := search(ctx, p, l, history)
	switch {
	case err != nil:
		return base{}, err
	case r != nil && ours > 0:
		return r.base(history), nil // it may have been merged by hand, but nothing fits better
	case history == nil:
		return base{}, errors.New("which version of the template this program has is not recorded, and the source has no history to look it up in: give --from the URL or a clone of its git repository")
	case ours > len(p.tree)/2:
		return base{}, errors.New("no version in the template's history is like this program: give --from the repository that it came from")
	}
	return found, nil
}

// search finds the commit that differs least from the program, the newest of several, and in how many files of ours.
func search(ctx context.Context, p program, l list, history *repo) (found base, ours int, err error) {
	if history == nil {
		return base{}, 1, nil
	}
	commits, err := history.commits(ctx)
	if err != nil {
		return base{}, 0, err
	}
	hashes := make(map[string]string, len(p.tree))
	for name, f := range p.tree {
		hashes[name] = hash(f.text)
	}
	least, best := -1, ""
	for _, c := range commits {
		sums, err := history.sums(ctx, c)
		if err != nil {
			return base{}, 0, err
		}
		differ := 0
		for name, h := range hashes {
			switch {
			case sums[name] == h:
			case l.isOurs(name):
				differ += 1000
			default:
				differ++ // tells apart versions of the merged files
			}
		}
		for name := range sums {
			if _, ok := hashes[name]; !ok && strings.HasPrefix(name, "app/") && l.isOurs(name) && !isNoise(name) {
				differ += 1000
			}
		}
		if least < 0 || differ < least {
			least, best, found.sums = differ, c, sums
		}
	}
	if best == "" {
		return base{}, 0, errors.New("the template's repository has no commits")
	}
	found.version = best[:12]
	if out, err := history.git(ctx, "describe", "--tags", "--always", best); err == nil {
		found.version = strings.TrimSpace(string(out))
	}
	found.text = func(name string) (string, bool) { return history.text(ctx, best, name) }
	edited, _ := found.compare(p, l, nil)
	return found, len(edited), nil
}

// edit is a file of ours that the program has changed or added.
type edit struct{ name, diff string }

// compare returns the files of ours that were edited since the base, and those of app/ that are missing. One that is as
// in the next version is not edited.
func (b base) compare(p program, l list, next tree) (edited []edit, missing []string) {
	for _, name := range slices.Sorted(maps.Keys(p.tree)) {
		if !l.isOurs(name) || b.same(p, name) {
			continue
		}
		mine := p.tree.text(name)
		n, inNext := next[name]
		if inNext {
			if text, err := p.canon.Rewrite(path.Base(name), n.text); err == nil && string(text) == mine {
				continue
			}
		}
		e := edit{name: name}
		if text, ok := b.text(name); ok {
			theirs, err := p.canon.Rewrite(path.Base(name), []byte(text))
			if err != nil {
				theirs = []byte(text)
			}
			e.diff = udiff.Unified("template/"+name, "yours/"+name, string(theirs), mine)
		} else if b.has(name) && inNext {
			e.diff = udiff.Unified("next/"+name, "yours/"+name, string(n.text), mine)
		}
		edited = append(edited, e)
	}
	for name := range b.sums {
		if _, ok := p.tree[name]; !ok && strings.HasPrefix(name, "app/") && l.isOurs(name) && !isNoise(name) {
			missing = append(missing, name)
		}
	}
	slices.Sort(missing)
	return edited, missing
}
