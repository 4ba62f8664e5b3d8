package template

import (
	"archive/tar"
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// readZip reads a tree from a zip. GitHub's have all files in one folder, and the commit as their comment.
func readZip(from string) (tree, string, error) {
	z, err := zip.OpenReader(from)
	if err != nil {
		return nil, "", err
	}
	defer z.Close()
	t, size := tree{}, uint64(0)
	for _, f := range z.File {
		switch mode := f.Mode(); {
		case mode.IsDir():
			continue
		case !mode.IsRegular():
			return nil, "", fmt.Errorf("%q in it is a link or a device; the template has none", f.Name)
		case !fs.ValidPath(f.Name) || !filepath.IsLocal(filepath.FromSlash(f.Name)) || strings.Contains(f.Name, `\`):
			return nil, "", fmt.Errorf("%q in it is a path that leads elsewhere", f.Name)
		}
		if size += f.UncompressedSize64; size > whole {
			return nil, "", errTooLarge
		}
		if _, twice := t[f.Name]; twice {
			return nil, "", fmt.Errorf("%q is in it twice", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, "", err
		}
		text, err := io.ReadAll(io.LimitReader(r, largest+1))
		r.Close()
		if err != nil {
			return nil, "", fmt.Errorf("%q in it: %w", f.Name, err)
		}
		if err := t.add(f.Name, file{text, f.Mode()&0o111 != 0}); err != nil {
			return nil, "", err
		}
	}
	return t.stripped(), z.Comment, nil
}

// readTar reads a tree from what git archive writes.
func readTar(r io.Reader) (tree, error) {
	t, size := tree{}, int64(0)
	for in := tar.NewReader(r); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader:
			continue
		case h.Typeflag != tar.TypeReg:
			return nil, fmt.Errorf("%q in it is a link; the template has none", h.Name)
		}
		if size += h.Size; size > whole || h.Size > largest {
			return nil, errTooLarge
		}
		text, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		if err := t.add(h.Name, file{text, h.FileInfo().Mode()&0o111 != 0}); err != nil {
			return nil, err
		}
	}
}

// stripped returns t without the one folder that all of it is in.
func (t tree) stripped() tree {
	if _, ok := t["go.mod"]; ok {
		return t
	}
	inner := tree{}
	top := ""
	for name, f := range t {
		folder, below, ok := strings.Cut(name, "/")
		if !ok || top != "" && top != folder {
			return t
		}
		top = folder
		inner[below] = f
	}
	return inner
}
