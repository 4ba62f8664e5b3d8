package webtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// Description is openapi.json as the server serves it.
type Description struct {
	Paths   map[string]map[string]Operation // by path as in the file, and method in upper case
	Schemas map[string]*jsonschema.Resolved // by operation, status and media type
}

// Operation is one method of a path.
type Operation map[string]any

// Describe fetches the description and compiles its schemas of answers.
func (p *Program) Describe() *Description {
	p.T.Helper()
	describing.Lock()
	defer describing.Unlock()
	if described != nil {
		return described
	}
	// A program of its own: the one under test may ask for another token.
	a, err := Start(p.T, func(set *Setup) { set.Asleep = true }).Try(http.MethodGet, "/crons/openapi.json", "", AsOperator)
	if err != nil || a.Status != http.StatusOK {
		p.T.Fatal(a.Body, err)
	}
	root := Decode[map[string]any](p.T, a)
	d := &Description{Paths: map[string]map[string]Operation{}, Schemas: map[string]*jsonschema.Resolved{}}
	for path, item := range root["paths"].(map[string]any) {
		d.Paths[path] = map[string]Operation{}
		for method, op := range item.(map[string]any) {
			method = strings.ToUpper(method)
			d.Paths[path][method] = op.(map[string]any)
			for status, response := range op.(map[string]any)["responses"].(map[string]any) {
				content, _ := Resolve(root, response)["content"].(map[string]any)
				for kind, media := range content {
					key := method + " " + path + " " + status + " " + kind
					d.Schemas[key] = nil
					if schema := media.(map[string]any)["schema"]; schema != nil {
						d.Schemas[key] = compile(p.T, root, schema)
					}
				}
				if content == nil {
					d.Schemas[method+" "+path+" "+status+" "] = nil
				}
			}
		}
	}
	for name := range root["components"].(map[string]any)["schemas"].(map[string]any) {
		d.Schemas["object "+name] = compile(p.T, root, map[string]any{"$ref": "#/components/schemas/" + name})
	}
	described = d
	return d
}

// It is the same for every program, so it is read once.
var (
	describing sync.Mutex
	described  *Description
)

// checkDescribed fails the test if an answer is not as openapi.yaml says.
func (p *Program) checkDescribed(method, path string, a Answer) {
	p.T.Helper()
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodHead || path == "/crons/openapi.json" {
		return
	}
	if a.Status == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/crons/login?next=") {
		return // said once, at the top of the description
	}
	doc := p.Describe()
	route := doc.match(method, path)
	if route == "" {
		return
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if a.Body == "" {
		kind = ""
	}
	for _, status := range []string{fmt.Sprint(a.Status), "default"} {
		if status == "default" && a.Status < 400 {
			break
		}
		schema, ok := doc.Schemas[method+" "+route+" "+status+" "+kind]
		if !ok {
			continue
		}
		if schema == nil {
			return
		}
		var body any
		if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
			p.T.Errorf("%s %s: %v", method, path, err)
		} else if err := schema.Validate(body); err != nil {
			p.T.Errorf("%s %s: the answer is not as described: %v\n%s", method, path, err, a.Body)
		}
		return
	}
	p.T.Errorf("%s %s: status %d as %q is not described", method, path, a.Status, kind)
}

// match finds the described path; fixed words win over parameters.
func (d *Description) match(method, path string) string {
	if d.Paths[path][method] != nil {
		return path
	}
	for _, candidate := range slices.Sorted(maps.Keys(d.Paths)) {
		pattern := "^" + regexp.MustCompile(`{\w+}`).ReplaceAllString(candidate, "[^/]+") + "$"
		if d.Paths[candidate][method] != nil && strings.Contains(candidate, "{") && regexp.MustCompile(pattern).MatchString(path) {
			return candidate
		}
	}
	return ""
}

// compile makes a schema of the description strict: in our own answers a field that is not
// described is a mistake, although callers are told to expect new ones.
func compile(t testing.TB, root map[string]any, schema any) *jsonschema.Resolved {
	t.Helper()
	defs := map[string]any{}
	for name, s := range root["components"].(map[string]any)["schemas"].(map[string]any) {
		defs[name] = strict(s, true)
	}
	text, err := json.Marshal(map[string]any{"$defs": defs, "allOf": []any{strict(schema, false)}})
	if err != nil {
		t.Fatal(err)
	}
	text = []byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/"))
	var s jsonschema.Schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	resolved, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

// strict closes every object where it is used. A definition stays open at its top, so that another
// may be made of it.
func strict(node any, open bool) any {
	switch node := node.(type) {
	case []any:
		list := make([]any, len(node))
		for i, item := range node {
			list[i] = strict(item, false)
		}
		return list
	case map[string]any:
		closed := map[string]any{}
		for key, value := range node {
			switch {
			case key == "allOf":
				var parts []any
				for _, part := range value.([]any) {
					parts = append(parts, strict(part, true))
				}
				closed[key] = parts
			case key == "properties":
				properties := map[string]any{}
				for name, property := range value.(map[string]any) {
					properties[name] = strict(property, false)
				}
				closed[key] = properties
			case key == "example":
			default:
				closed[key] = strict(value, false)
			}
		}
		isObject := node["properties"] != nil && node["additionalProperties"] == nil
		_, isRef := node["$ref"].(string)
		if !open && (isObject || isRef || node["allOf"] != nil) {
			closed["unevaluatedProperties"] = false
		}
		return closed
	}
	return node
}

// LookUp is what a reference inside the document refers to.
func LookUp(root map[string]any, ref string) any {
	var node any = root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		object, ok := node.(map[string]any)
		if !ok {
			return nil
		}
		node = object[step]
	}
	return node
}

// Resolve follows a reference, if node is one.
func Resolve(root map[string]any, node any) map[string]any {
	object := node.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return LookUp(root, ref).(map[string]any)
	}
	return object
}
