package web_test

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

// description is openapi.json as the server serves it.
type description struct {
	paths   map[string]map[string]operation // by path as in the file, and method in upper case
	schemas map[string]*jsonschema.Resolved // by operation, status and media type
}

type operation map[string]any

func TestEveryRouteIsDescribedAndServed(t *testing.T) {
	p := start(t, nil)
	doc := p.describe()

	served := map[string]bool{}
	param := regexp.MustCompile(`:(\w+)`)
	for _, row := range p.Table() {
		path := param.ReplaceAllString(row.Path, "{$1}")
		if strings.HasPrefix(path, "/crons/login/") || strings.HasPrefix(path, "/crons/dashboard") {
			continue // files and pages
		}
		served[row.Method+" "+path] = true
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics"} {
		served["GET "+path] = true
		p.read(path).want(t, http.StatusOK)
	}
	told := map[string]bool{}
	for path, methods := range doc.paths {
		for method := range methods {
			told[method+" "+path] = true
		}
	}
	for route := range served {
		if !told[route] {
			t.Errorf("%s is served, and openapi.yaml does not know it", route)
		}
	}
	for route := range told {
		if !served[route] {
			t.Errorf("%s is in openapi.yaml, and is not served", route)
		}
	}
	if len(served) < 15 {
		t.Errorf("only %d routes were looked at", len(served))
	}
}

func TestDescriptionHoldsTogether(t *testing.T) {
	p := start(t, nil)
	body := p.read("/crons/openapi.json").want(t, http.StatusOK).body
	var root map[string]any
	if err := json.Unmarshal([]byte(body), &root); err != nil {
		t.Fatal(err)
	}
	if version := root["openapi"]; version != "3.1.0" {
		t.Errorf("openapi: %v", version)
	}
	if !strings.HasPrefix(body, `{"openapi":"3.1.0","info":`) {
		t.Errorf("the order of the file is lost: %.80s", body)
	}
	used := map[string]bool{}
	for ref := range references(root) {
		used[ref] = true
		if lookUp(root, ref) == nil {
			t.Errorf("%s points to nothing", ref)
		}
	}
	for kind, all := range root["components"].(map[string]any) {
		for name := range all.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; kind != "securitySchemes" && !used[ref] {
				t.Errorf("%s is used nowhere", ref)
			}
		}
	}
	ids := map[string]bool{}
	for path, methods := range p.describe().paths {
		for method, op := range methods {
			id, _ := op["operationId"].(string)
			if id == "" || ids[id] || op["summary"] == nil || op["tags"] == nil {
				t.Errorf("%s %s needs an operationId of its own, a summary and a tag", method, path)
			}
			ids[id] = true
			for _, name := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(path, -1) {
				if !strings.Contains(fmt.Sprint(parameters(root, op)), "path:"+name[1]) {
					t.Errorf("%s %s does not describe its parameter %s", method, path, name[1])
				}
			}
		}
	}
}

func TestExamplesFitTheirSchemas(t *testing.T) {
	p := start(t, nil)
	doc := p.describe()
	examples := p.examples()
	if len(examples) < 2 {
		t.Errorf("only %d examples", len(examples))
	}
	for object, example := range examples {
		schema := doc.schemas["object "+object]
		if schema == nil {
			t.Errorf("%s has an example and no schema", object)
		} else if err := schema.Validate(example); err != nil {
			t.Errorf("the example of %s: %v", object, err)
		}
	}
}

// A path refuses what is not described, and takes what is.
func TestParametersAreThoseDescribed(t *testing.T) {
	p := start(t, nil)
	root := decode[map[string]any](t, p.read("/crons/openapi.json"))
	taken := 0
	for path, methods := range p.describe().paths {
		for method, op := range methods {
			target := strings.NewReplacer("{name}", "hello", "{id}", "none").Replace(path)
			if method != http.MethodGet || target == "/livez" || target == "/readyz" || target == "/crons/login" {
				continue
			}
			p.read(target+"?sort=id").want(t, http.StatusBadRequest)
			for _, parameter := range parameters(root, op) {
				name, ok := strings.CutPrefix(parameter, "query:")
				if !ok {
					continue
				}
				taken++
				if a := p.read(target + "?limit=-1&" + name + "=-1"); strings.Contains(a.body, `"`+name+`","detail":"is unknown`) || a.status == http.StatusOK {
					t.Errorf("%s does not take its parameter %s: %d %s", path, name, a.status, a.body)
				}
			}
		}
	}
	if taken < 20 {
		t.Errorf("only %d parameters were tried", taken)
	}
}

func TestDocsPageNeedsNobody(t *testing.T) {
	p := start(t, nil)
	a := p.read("/crons/docs").want(t, http.StatusOK)
	if strings.Contains(a.body, "<script") || regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(a.body) || strings.Contains(a.body, "style=") {
		t.Error("the page asks for a script, for inline style or for somebody else's file")
	}
	for path, methods := range p.describe().paths {
		for method := range methods {
			if !strings.Contains(a.body, `<span class="method">`+method+`</span> <span class="path">`+path+`<`) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
}

// describe fetches the description and compiles what it says of answers.
func (p *program) describe() *description {
	p.t.Helper()
	describing.Lock()
	defer describing.Unlock()
	if described != nil {
		return described
	}
	// A program of its own: the one under test may ask for another token.
	a, err := start(p.t, func(set *setup) { set.asleep = true }).try(http.MethodGet, "/crons/openapi.json", "", asOperator)
	if err != nil || a.status != http.StatusOK {
		p.t.Fatal(a.body, err)
	}
	root := decode[map[string]any](p.t, a)
	d := &description{paths: map[string]map[string]operation{}, schemas: map[string]*jsonschema.Resolved{}}
	for path, item := range root["paths"].(map[string]any) {
		d.paths[path] = map[string]operation{}
		for method, op := range item.(map[string]any) {
			method = strings.ToUpper(method)
			d.paths[path][method] = op.(map[string]any)
			for status, response := range op.(map[string]any)["responses"].(map[string]any) {
				content, _ := resolve(root, response)["content"].(map[string]any)
				for kind, media := range content {
					key := method + " " + path + " " + status + " " + kind
					d.schemas[key] = nil
					if schema := media.(map[string]any)["schema"]; schema != nil {
						d.schemas[key] = compile(p.t, root, schema)
					}
				}
				if content == nil {
					d.schemas[method+" "+path+" "+status+" "] = nil
				}
			}
		}
	}
	for name := range root["components"].(map[string]any)["schemas"].(map[string]any) {
		d.schemas["object "+name] = compile(p.t, root, map[string]any{"$ref": "#/components/schemas/" + name})
	}
	described = d
	return d
}

// It is the same for every program, so the tests read it once.
var (
	describing sync.Mutex
	described  *description
)

func (p *program) examples() map[string]any {
	root := decode[map[string]any](p.t, p.read("/crons/openapi.json"))
	list := map[string]any{}
	for name, schema := range root["components"].(map[string]any)["schemas"].(map[string]any) {
		if example, ok := schema.(map[string]any)["example"]; ok {
			list[name] = example
		}
	}
	return list
}

// checkDescribed fails the test when an answer of ours is not as openapi.yaml says.
func (p *program) checkDescribed(method, path string, a answer) {
	p.t.Helper()
	path, _, _ = strings.Cut(path, "?")
	if method == http.MethodHead || path == "/crons/openapi.json" {
		return
	}
	if a.status == http.StatusSeeOther && strings.HasPrefix(a.header.Get("Location"), "/crons/login?next=") {
		return // said once, at the top of the description
	}
	doc := p.describe()
	route := doc.match(method, path)
	if route == "" {
		return
	}
	kind, _, _ := mime.ParseMediaType(a.header.Get("Content-Type"))
	if a.body == "" {
		kind = ""
	}
	for _, status := range []string{fmt.Sprint(a.status), "default"} {
		if status == "default" && a.status < 400 {
			break
		}
		schema, ok := doc.schemas[method+" "+route+" "+status+" "+kind]
		if !ok {
			continue
		}
		if schema == nil {
			return
		}
		var body any
		if err := json.Unmarshal([]byte(a.body), &body); err != nil {
			p.t.Errorf("%s %s: %v", method, path, err)
		} else if err := schema.Validate(body); err != nil {
			p.t.Errorf("%s %s: the answer is not as described: %v\n%s", method, path, err, a.body)
		}
		return
	}
	p.t.Errorf("%s %s: status %d as %q is not described", method, path, a.status, kind)
}

// match finds the described path; fixed words win over parameters.
func (d *description) match(method, path string) string {
	if d.paths[path][method] != nil {
		return path
	}
	for _, candidate := range slices.Sorted(maps.Keys(d.paths)) {
		pattern := "^" + regexp.MustCompile(`{\w+}`).ReplaceAllString(candidate, "[^/]+") + "$"
		if d.paths[candidate][method] != nil && strings.Contains(candidate, "{") && regexp.MustCompile(pattern).MatchString(path) {
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

func references(node any) map[string]bool {
	found := map[string]bool{}
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			maps.Copy(found, references(item))
		}
	case map[string]any:
		if ref, ok := node["$ref"].(string); ok {
			found[ref] = true
		}
		for _, value := range node {
			maps.Copy(found, references(value))
		}
	}
	return found
}

func lookUp(root map[string]any, ref string) any {
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

func resolve(root map[string]any, node any) map[string]any {
	object := node.(map[string]any)
	if ref, ok := object["$ref"].(string); ok {
		return lookUp(root, ref).(map[string]any)
	}
	return object
}

// parameters are those of an operation, as "in:name".
func parameters(root map[string]any, op operation) (list []string) {
	all, _ := op["parameters"].([]any)
	for _, p := range all {
		object := resolve(root, p)
		list = append(list, object["in"].(string)+":"+object["name"].(string))
	}
	return list
}
