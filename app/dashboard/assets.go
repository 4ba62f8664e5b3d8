package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed static
var static embed.FS

// Asset is a static file.
type Asset struct {
	Name string // with its checksum, so the content under a name never changes
	Type string // Content-Type
	Body []byte
	Gzip []byte // Body, compressed
}

// assets by plain name. The scripts of static/js are one file.
var assets = sync.OnceValue(func() map[string]*Asset {
	list := map[string]*Asset{}
	add := func(name string, body []byte) {
		kinds := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml"}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		list[name] = &Asset{
			Name: strings.TrimSuffix(name, ext) + "-" + hex.EncodeToString(sum[:6]) + ext,
			Type: kinds[ext], Body: body, Gzip: compress(body),
		}
	}
	for _, name := range names("static") {
		add(name, read("static/"+name))
	}
	var scripts bytes.Buffer
	for _, name := range names("static/js") {
		scripts.Write(read("static/js/" + name))
	}
	add("app.js", scripts.Bytes())
	return list
})

func names(dir string) (list []string) {
	entries, err := fs.ReadDir(static, dir)
	if err != nil {
		panic(err) // it is embedded
	}
	for _, e := range entries {
		if !e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}

func read(name string) []byte {
	body, err := static.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return body
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                  // a Buffer never fails
	_ = w.Close()
	return b.Bytes()
}

// Assets lists the files by the names under which they are served.
func Assets() map[string]*Asset {
	list := map[string]*Asset{}
	for _, a := range assets() {
		list[a.Name] = a
	}
	return list
}
