package template

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say what to update to.
type Options struct {
	Dir        string            // the program's root folder
	From       string            // a URL, a folder or a zip; empty: the URL of the last update, or the git remote "template" or "origin"
	To         string            // a tag, branch or commit; empty: the newest
	Keep       []string          // merged files to leave as they are
	Unverified bool              // update although the program does not build with the new version
	DryRun     bool              // do everything but put the files in place
	Say        func(step string) // is told what takes long. Optional
}

// Report is what an update has done, or would do.
type Report struct {
	Was      string   `json:"was"`      // the old version
	Is       string   `json:"is"`       // the new one
	Written  []string `json:"written"`  // files, by their paths
	Removed  []string `json:"removed"`  // files
	Merged   []string `json:"merged"`   // of Written: with changes of both sides
	Restored []string `json:"restored"` // of Written: files in app/ that were missing
	News     string   `json:"news"`     // the changelog between the two
	Steps    []string `json:"steps"`    // of the schema, that the next start or cli migrate carries out
	Notes    []string `json:"notes"`    // what else to know
}

// RefusedError is the reason for which an update was not made. Nothing was changed.
type RefusedError struct{ Text string }

func (e *RefusedError) Error() string { return e.Text }

func refuse(format string, a ...any) error { return &RefusedError{fmt.Sprintf(format, a...)} }

// Update brings another version of the template into the program. It does all of it or nothing; an edited file of ours, a
// clash in a merge, and a program that would not build are [*RefusedError]. When ctx ends before the files are put in place,
// the error is that of ctx.
func Update(ctx context.Context, o Options) (report Report, err error) {
	defer func() {
		if _, late := errors.AsType[*swapError](err); err != nil && ctx.Err() != nil && !late {
			err = ctx.Err() // whatever it made of a command
		}
	}()
	if o.Say == nil {
		o.Say = func(string) {}
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return report, err
	}
	if o.From == "" {
		if o.From, err = origin(ctx, o.Dir); err != nil {
			return report, err
		}
	}
	scratch, err := os.MkdirTemp("", "cli-update-")
	if err != nil {
		return report, err
	}
	defer os.RemoveAll(scratch)
	o.Say("reading the template from " + withoutPassword(o.From))
	v, err := fetch(ctx, o.From, o.To, scratch)
	if err != nil {
		return report, err
	}
	l := parseList(listed).with(parseList(v.tree.text(listFile)))
	for _, name := range o.Keep {
		if !slices.Contains(l.merged, name) {
			return report, fmt.Errorf("--keep %s: only %s are merged", name, strings.Join(l.merged, ", "))
		}
	}
	p, err := readProgram(o.Dir, l)
	if err != nil {
		return report, err
	}
	b, err := baseOf(ctx, p, l, v.history)
	if err != nil {
		return report, err
	}
	if v.tree, err = v.tree.rewritten(p.canon); err != nil {
		return report, err
	}
	c, err := decide(p, l, b, v.tree, o.Keep)
	if err != nil {
		return report, err
	}
	older, _ := b.text(changelogFile)
	report = Report{
		Was: b.version, Is: v.name, Written: []string{}, Removed: []string{}, Merged: c.merged, Restored: c.restored,
		News: news(older, v.tree.text(changelogFile)), Steps: steps(p.tree, v.tree), Notes: c.notes,
	}
	record := newRecord(v, l)
	if r, _ := readRecord(o.Dir); r != nil && record.From == "" {
		record.From = r.From
	}
	text, err := record.text()
	if err != nil {
		return report, err
	}
	if len(c.files) == 0 {
		report.Was = report.Is // the same, whatever their names
		if was, err := os.ReadFile(filepath.Join(o.Dir, filepath.FromSlash(RecordFile))); err == nil && string(was) == string(text) || o.DryRun {
			return report, nil
		}
		return report, os.WriteFile(filepath.Join(o.Dir, filepath.FromSlash(RecordFile)), text, 0o644) //nolint:gosec // source
	}
	c.files[RecordFile] = &file{text: text}
	err = carryOut(ctx, o, c, &report)
	return report, err
}

// carryOut stages the changes, verifies them and puts them in place.
func carryOut(ctx context.Context, o Options, c changes, report *Report) (err error) {
	if out, err := (repo{o.Dir}).git(ctx, "status", "--porcelain", "--", "."); err == nil && len(out) > 0 {
		report.Notes = append(report.Notes, "the tree had uncommitted changes, which git shows together with those of the update")
	}
	s, err := newStage(o.Dir)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		left := s.remove()
		if done && left != nil {
			report.Notes = append(report.Notes, fmt.Sprintf("the update is in place; remove %s by hand: %v", stageName, left))
			return
		}
		err = errors.Join(err, left)
	}()
	for name, f := range c.files {
		if f == nil {
			err = s.erase(name)
		} else {
			err = s.write(name, *f)
		}
		if err != nil {
			return err
		}
	}
	if err := s.relocate(o.Dir, s.new()); err != nil {
		return err
	}
	if c.files["go.mod"] != nil {
		o.Say("go mod tidy")
	}
	if err := s.tidy(ctx); ctx.Err() != nil {
		return ctx.Err()
	} else if err != nil {
		report.Notes = append(report.Notes, "go mod tidy could not run; run it when the network is there: "+err.Error())
	}
	o.Say("building the program with the new version")
	if err := s.verify(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !o.Unverified {
			said := ""
			if report.News != "" {
				said = "\n\nWhat is new:\n" + report.News
			}
			return refuse("the program does not build with version %s of the template; nothing was changed.\n%v%s\n\nMend it so that it builds, or take the new version with --unverified and mend it then.", report.Is, err, said)
		}
		report.Notes = append(report.Notes, "the program does not build yet: "+err.Error())
	} else if err := s.example(ctx); err != nil {
		return refuse("write .env.example: %v; nothing was changed", err)
	}
	if err := s.relocate(s.new(), o.Dir); err != nil {
		return err
	}
	report.Written, report.Removed = s.changes(append(slices.Collect(maps.Keys(c.files)), "go.mod", "go.sum", ".env.example"))
	report.Written, report.Removed = slices.Compact(report.Written), slices.Compact(report.Removed)
	if _, err := os.Stat(filepath.Join(o.Dir, "vendor")); err == nil {
		report.Notes = append(report.Notes, "run go mod vendor: vendor/ was not updated")
	}
	if ctx.Err() != nil || o.DryRun {
		return ctx.Err()
	}
	if err := s.swap(report.Written, report.Removed); err != nil {
		return &swapError{err}
	}
	done = true
	return nil
}

// changes are the new texts of files; nil removes one.
type changes struct {
	files    map[string]*file
	merged   []string
	restored []string
	notes    []string
}

// decide says what becomes of each file.
func decide(p program, l list, b base, next tree, keep []string) (changes, error) {
	edited, missing := b.compare(p, l, next)
	if len(edited) > 0 {
		return changes{}, refuse("%s", describe(edited))
	}
	c := changes{map[string]*file{}, []string{}, []string{}, []string{}}
	put := func(name string, f file) error {
		text, err := p.back.Rewrite(filepath.Base(name), f.text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		c.files[name] = &file{text, f.exec}
		return nil
	}
	var clashes []string
	for _, name := range slices.Sorted(maps.Keys(next)) {
		mine, there := p.tree[name]
		f := next[name]
		switch {
		case there && string(mine.text) == string(f.text):
			continue
		case slices.Contains(l.merged, name):
			text, err := p.mergeText(b, name, string(f.text), keep)
			if err != nil {
				clashes = append(clashes, err.Error())
				continue
			}
			if text == nil || there && *text == string(mine.text) {
				continue
			}
			if there && *text != string(f.text) {
				c.merged = append(c.merged, name)
			}
			f.text = []byte(*text)
		case l.isOurs(name):
			if !there && !strings.HasPrefix(name, "app/") && b.has(name) {
				continue // the program has removed it
			}
			if slices.Contains(missing, name) {
				c.restored = append(c.restored, name)
			}
		case isBegun(name):
			if there || b.has(name) {
				continue
			}
			c.notes = append(c.notes, name+" is new and yours")
		default:
			continue
		}
		if err := put(name, f); err != nil {
			return c, err
		}
	}
	if len(clashes) > 0 {
		return c, refuse("%s\nNothing was changed. Edit the file so that it has one of the two, or keep yours with --keep FILE, and update again.", strings.Join(clashes, "\n"))
	}
	for name := range p.tree {
		if _, there := next[name]; there {
			continue
		}
		if l.isOurs(name) || (slices.Contains(l.merged, name) || isBegun(name)) && b.same(p, name) {
			c.files[name] = nil
		}
	}
	err := p.mergeModule(b, next, &c)
	return c, err
}

// mergeText returns the new text of a merged file, nil for none.
func (p program) mergeText(b base, name, next string, keep []string) (*string, error) {
	mine, there := p.tree[name]
	was, known := b.text(name)
	if known {
		text, err := p.canon.Rewrite(filepath.Base(name), []byte(was))
		if err != nil {
			return nil, err
		}
		was = string(text)
	}
	switch {
	case slices.Contains(keep, name) || !there && known:
		return nil, nil
	case !there:
		return &next, nil
	}
	text, clashes := merge3(was, string(mine.text), next)
	if len(clashes) > 0 {
		said := name + " was changed here and in the template:\n"
		for _, c := range clashes {
			said += c.String()
		}
		return nil, errors.New(said)
	}
	return &text, nil
}

// mergeModule merges go.mod and go.sum when the template's have changed.
func (p program) mergeModule(b base, next tree, c *changes) error {
	was, ok := b.text("go.mod")
	if !ok {
		return errors.New("the old version's go.mod is not known")
	}
	if was == next.text("go.mod") {
		return nil
	}
	mine, err := p.back.Rewrite("go.mod", p.tree["go.mod"].text)
	if err != nil {
		return err
	}
	merged, err := mergeMod(was, string(mine), next.text("go.mod"))
	if err != nil {
		return err
	}
	c.files["go.mod"] = &file{text: []byte(merged)}
	c.files["go.sum"] = &file{text: []byte(mergeSum(p.tree.text("go.sum"), next.text("go.sum")))}
	return nil
}

// describe tells which files were edited, how, and where the edits belong.
func describe(edited []edit) string {
	var b strings.Builder
	fmt.Fprintf(&b, "an update replaces the template's files, and this program has edited %d of them; nothing was changed.\n", len(edited))
	for _, e := range edited {
		switch {
		case e.diff != "":
			fmt.Fprintf(&b, "\n%s\n", shortened([]byte(e.diff), 80))
		case strings.HasPrefix(e.name, "app/"):
			fmt.Fprintf(&b, "\n%s was added or edited\n", e.name)
		default:
			fmt.Fprintf(&b, "\n%s was edited\n", e.name)
		}
	}
	b.WriteString("\nWhere an edit belongs:\n")
	said := map[string]bool{}
	for _, e := range edited {
		if where := belongs(e.name); !said[where] {
			said[where] = true
			fmt.Fprintf(&b, "  %s: %s\n", e.name, where)
		}
	}
	b.WriteString("\nMove it there, take it back here, and update again.")
	return b.String()
}

// belongs says what to use instead of an edit.
func belongs(name string) string {
	for _, w := range []struct{ begin, where string }{
		{"app/web/", "a route or a middleware in routes/, or web.Options"},
		{"app/dashboard/", "a page of your own in routes/, or an issue for the template"},
		{"app/alert/", "a channel of your own (go doc ./app/alert), or an issue for the template"},
		{"app/env/", "your own variables in config/local.go, or an issue for the template"},
		{"app/", "a job in jobs/, a wrapper (cron.Default.Use) or an option of the job; a package of your own stands beside app/; a fix is an issue for the template"},
		{"config/", "config/local.go"},
		{"models/", "a file of your own in models/"},
		{"cmd/", "an init function in jobs/ or routes/, or a command of your own in cmd/"},
		{".github/workflows/", "a workflow of your own beside it; if you do not use this one, remove it"},
	} {
		if strings.HasPrefix(name, w.begin) {
			return w.where
		}
	}
	return "a file of your own beside it; if you do not use this one, remove it"
}

// origin is where updates of the program come from.
func origin(ctx context.Context, dir string) (string, error) {
	r, err := readRecord(dir)
	if err != nil {
		return "", err
	}
	if r != nil && r.From != "" {
		return r.From, nil
	}
	for _, remote := range []string{"template", "origin"} {
		if out, err := (repo{dir}).git(ctx, "remote", "get-url", remote); err == nil {
			return strings.TrimSpace(string(out)), nil
		}
	}
	return "", errors.New("it is not known where this program's template is: give --from with a URL, a folder or a zip; it is remembered if it is a URL")
}
