package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"fibercrons/app/dashboard"
)

// What others wrote is vendored as they published it: npm's htmx.org 4.0.1 and axe-core 4.14.1.
func TestVendoredFilesAreThoseThatWerePublished(t *testing.T) {
	for file, want := range map[string]string{
		"static/htmx.min.js":     "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
		"static/hx-sse.min.js":   "18ef2761356ec1fe0bb6d92612315b37517a7c1e9856b661c5ae81fef239d103",
		"testdata/axe.min.js.gz": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
	} {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, ".gz") {
			body = unpack(t, body)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s has the checksum %x, want %s", file, sum, want)
		}
	}
}

func TestAssetsFitTheBudget(t *testing.T) {
	const budget = 60 << 10
	total := 0
	for name, a := range dashboard.Assets() {
		if strings.HasSuffix(name, ".txt") {
			continue // a licence; no page asks for it
		}
		total += len(a.Gzip)
		if !bytes.Equal(unpack(t, a.Gzip), a.Body) {
			t.Errorf("%s: what is compressed is another file", name)
		}
		if !regexp.MustCompile(`-[0-9a-f]{12}\.(js|css|svg)$`).MatchString(name) || a.Type == "" {
			t.Errorf("%s is served as %q", name, a.Type)
		}
		t.Logf("%s: %d bytes, %d over the wire", name, len(a.Body), len(a.Gzip))
	}
	if total > budget || total < 10<<10 {
		t.Errorf("%d bytes over the wire, the budget is %d", total, budget)
	}
	t.Logf("together %d bytes over the wire", total)
}

// The style sheet has nothing from elsewhere, and no page needs what it names elsewhere.
func TestStyleStaysAtHome(t *testing.T) {
	css, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	if m := regexp.MustCompile(`url\(|@import|https?:`).Find(css); m != nil {
		t.Errorf("the style sheet holds %s", m)
	}
}

func unpack(t *testing.T, packed []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return body
}
