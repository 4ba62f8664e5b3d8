package openapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"fibercrons/app/internal/webtest"
)

func TestDescriptionHoldsTogether(t *testing.T) {
	p := webtest.Start(t, nil)
	body := p.Read("/crons/openapi.json").Want(t, http.StatusOK).Body
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
		if webtest.LookUp(root, ref) == nil {
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
	for path, methods := range p.Describe().Paths {
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
	p := webtest.Start(t, nil)
	doc := p.Describe()
	examples := examples(p)
	if len(examples) < 2 {
		t.Errorf("only %d examples", len(examples))
	}
	for object, example := range examples {
		schema := doc.Schemas["object "+object]
		if schema == nil {
			t.Errorf("%s has an example and no schema", object)
		} else if err := schema.Validate(example); err != nil {
			t.Errorf("the example of %s: %v", object, err)
		}
	}
}

// A path refuses what is not described, and takes what is.
func TestParametersAreThoseDescribed(t *testing.T) {
	p := webtest.Start(t, nil)
	root := webtest.Decode[map[string]any](t, p.Read("/crons/openapi.json"))
	taken := 0
	for path, methods := range p.Describe().Paths {
		for method, op := range methods {
			target := strings.NewReplacer("{name}", "hello", "{id}", "none").Replace(path)
			if method != http.MethodGet || target == "/livez" || target == "/readyz" || target == "/crons/login" {
				continue
			}
			p.Read(target+"?sort=id").Want(t, http.StatusBadRequest)
			for _, parameter := range parameters(root, op) {
				name, ok := strings.CutPrefix(parameter, "query:")
				if !ok {
					continue
				}
				taken++
				if a := p.Read(target + "?limit=-1&" + name + "=-1"); strings.Contains(a.Body, `"`+name+`","detail":"is unknown`) || a.Status == http.StatusOK {
					t.Errorf("%s does not take its parameter %s: %d %s", path, name, a.Status, a.Body)
				}
			}
		}
	}
	if taken < 20 {
		t.Errorf("only %d parameters were tried", taken)
	}
}

func TestDocsPageNeedsNobody(t *testing.T) {
	p := webtest.Start(t, nil)
	a := p.Read("/crons/docs").Want(t, http.StatusOK)
	if strings.Contains(a.Body, "<script") || regexp.MustCompile(`(src|href)="(https?:)?//`).MatchString(a.Body) || strings.Contains(a.Body, "style=") {
		t.Error("the page asks for a script, for inline style or for somebody else's file")
	}
	for path, methods := range p.Describe().Paths {
		for method := range methods {
			if !strings.Contains(a.Body, `<span class="method">`+method+`</span> <span class="path">`+path+`<`) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
}

func examples(p *webtest.Program) map[string]any {
	root := webtest.Decode[map[string]any](p.T, p.Read("/crons/openapi.json"))
	list := map[string]any{}
	for name, schema := range root["components"].(map[string]any)["schemas"].(map[string]any) {
		if example, ok := schema.(map[string]any)["example"]; ok {
			list[name] = example
		}
	}
	return list
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

// parameters are those of an operation, as "in:name".
func parameters(root map[string]any, op webtest.Operation) (list []string) {
	all, _ := op["parameters"].([]any)
	for _, p := range all {
		object := webtest.Resolve(root, p)
		list = append(list, object["in"].(string)+":"+object["name"].(string))
	}
	return list
}
