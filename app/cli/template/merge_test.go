package template_test

import (
	"strings"
	"testing"

	"fibercrons/app/cli/template"
)

func TestMerge3(t *testing.T) {
	lines := func(s string) string { return strings.ReplaceAll(s, " ", "\n") + "\n" }
	for _, c := range []struct{ base, mine, theirs, want string }{
		{"a b c d e", "a b c d e", "a x c d e", "a x c d e"},
		{"a b c d e", "a x c d e", "a b c d e", "a x c d e"},
		{"a b c d e", "a x c d e", "a b c y e", "a x c y e"},
		{"a b c d e", "a x c d e", "a x c d e", "a x c d e"},
		{"a b c d e", "a c d e", "a b c d e f", "a c d e f"},
		{"a b c d e", "z a b c d e", "a b c e", "z a b c e"},
		{"a b c d e", "a x c d e", "a y c d e", ""},
		{"a b c d e", "a x c d e", "a c d e", ""},
		{"a b c d e", "a b x c d e", "a b y c d e", ""}, // both insert
		{"a b c d e", "a x c d e", "a b y d e", ""},     // next to each other
		{"a b c d e f", "a b e f", "a b c x e f", ""},
		{"a b c d e f g", "a x y z e f g", "a b c d e f", "a x y z e f"},
	} {
		got, clashes := template.Merge3(lines(c.base), lines(c.mine), lines(c.theirs))
		if c.want == "" {
			if len(clashes) == 0 {
				t.Errorf("%v: merged to %q", c, got)
			}
			continue
		}
		if len(clashes) > 0 || got != lines(c.want) {
			t.Errorf("%v: got %q, %v", c, got, clashes)
		}
	}
	_, clashes := template.Merge3("a\nb\nc\n", "a\nx\nc\n", "a\nc\n")
	if len(clashes) != 1 || clashes[0].String() != "line 2 of the old version:\n  | b\nyours:\n  + x\ntemplate:\n  + (nothing)\n" {
		t.Errorf("got %v", clashes)
	}
}

// A merge has every line that one side added, and none that one side removed; it is the same from either side.
func FuzzMerge3(f *testing.F) {
	f.Add("a\nb\nc\n", "a\nx\nc\n", "a\nb\nc\nd\n")
	f.Fuzz(func(t *testing.T, base, mine, theirs string) {
		got, clashes := template.Merge3(base, mine, theirs)
		turned, others := template.Merge3(base, theirs, mine)
		if len(clashes) != len(others) || got != turned {
			t.Errorf("from one side %q, from the other %q", got, turned)
		}
		if got, clashes := template.Merge3(base, mine, base); len(clashes) > 0 || got != mine {
			t.Errorf("nothing to bring in, and got %q", got)
		}
		if got, clashes := template.Merge3(base, mine, mine); len(clashes) > 0 || got != mine {
			t.Errorf("the same on both sides, and got %q", got)
		}
	})
}

func TestMergeMod(t *testing.T) {
	const base = "module fibercrons\n\ngo 1.26\n\nrequire (\n\ta.com/a v1.0.0\n\ta.com/b v1.0.0\n\ta.com/gone v1.0.0\n)\n\nreplace a.com/b => a.com/fork v1.0.0\n"
	const mine = "module example.com/me/app // mine\n\ngo 1.26.3\n\nrequire (\n\ta.com/a v1.0.0\n\ta.com/b v1.9.0\n\ta.com/gone v1.0.0\n\tmine.com/x v0.1.0\n)\n\nrequire mine.com/y v0.2.0 // indirect\n\nreplace a.com/b => a.com/fork v1.0.0\n\nreplace mine.com/x => ../x\n"
	const next = "module fibercrons\n\ngo 1.26.1\n\nrequire (\n\ta.com/a v1.1.0\n\ta.com/b v1.5.0\n\ta.com/new v1.0.0\n)\n\nreplace a.com/new => a.com/newer v1.0.0\n"
	const want = "module example.com/me/app // mine\n\ngo 1.26.3\n\nrequire (\n\ta.com/a v1.1.0\n\ta.com/b v1.9.0\n\ta.com/gone v1.0.0\n\ta.com/new v1.0.0\n\tmine.com/x v0.1.0\n)\n\nrequire mine.com/y v0.2.0 // indirect\n\nreplace mine.com/x => ../x\n\nreplace a.com/new => a.com/newer v1.0.0\n"
	if got, err := template.MergeMod(base, mine, next); err != nil || got != want {
		t.Errorf("got\n%s(%v), want\n%s", got, err, want)
	}
	if got, err := template.MergeMod(base, base, next); err != nil || !strings.Contains(got, "go 1.26.1\n") || !strings.Contains(got, "a.com/b v1.5.0") {
		t.Errorf("got\n%s(%v)", got, err)
	}
}

func TestMovedReplacements(t *testing.T) {
	const mod = "module a\n\nreplace b => ../b\n\nreplace c => ./c\n\nreplace d => e v1.0.0\n"
	there, err := template.Moved(mod, "/p/a", "/p/a/.update/new")
	if err != nil || !strings.Contains(there, "b => ../../../b\n") || !strings.Contains(there, "c => ./c\n") {
		t.Errorf("got\n%s(%v)", there, err)
	}
	if back, err := template.Moved(there, "/p/a/.update/new", "/p/a"); err != nil || back != mod {
		t.Errorf("got\n%s(%v)", back, err)
	}
}

func TestNews(t *testing.T) {
	const older = "# Changelog\n\nWords.\n\n## Unreleased\n\n### Added\n\n- One.\n\n## v1.0.0\n\n- Old.\n"
	for newer, want := range map[string]string{
		older: "",
		"# Changelog\n\n## v1.1.0\n\n### Changed\n\n- Three,\n  in two lines.\n\n### Added\n\n- Two.\n- One.\n\n## v1.0.0\n\n- Old.\n": "## v1.1.0\n### Changed\n- Three,\n  in two lines.\n### Added\n- Two.",
		"## v2.0.0\n\n### Changed\n\n- Big.\n\n## v1.1.0\n\n### Added\n\n- One.\n- Small.\n\n## v1.0.0\n\n- Old, edited.\n":            "## v2.0.0\n### Changed\n- Big.\n## v1.1.0\n### Added\n- Small.",
	} {
		if got := template.News(older, newer); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	if got := template.News("", "## v1.0.0\n\n- All.\n"); got != "## v1.0.0\n- All." {
		t.Errorf("got %q", got)
	}
}
