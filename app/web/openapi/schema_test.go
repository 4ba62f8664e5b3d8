package openapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	spec "github.com/santhosh-tekuri/jsonschema/v6"

	"fibercrons/app/internal/webtest"
)

// strictOpenAPI is OpenAPI's schema together with that of the Schema Objects in a document, which by itself takes any
// member it does not know. Being the outermost, its dynamic anchor takes the place of the anchors of both.
const strictOpenAPI = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"$id": "https://fibercrons.test/strict",
	"$ref": "https://spec.openapis.org/oas/3.1/schema/2025-11-23",
	"$defs": {
		"schema": {
			"$dynamicAnchor": "meta",
			"$ref": "https://json-schema.org/draft/2020-12/schema",
			"properties": {"example": true, "discriminator": true, "externalDocs": true, "xml": true},
			"unevaluatedProperties": false
		}
	}
}`

func TestDescriptionFitsOpenAPI(t *testing.T) {
	schema := strictSchema(t)
	body := webtest.Start(t, nil).Read("/crons/openapi.json").Want(t, http.StatusOK).Body
	if err := validateSpec(t, schema, body); err != nil {
		t.Errorf("%#v", err)
	}
	// What it must find, so that it cannot pass by looking at nothing.
	for what, change := range map[string][2]string{
		"an unknown member of a Schema Object":    {`"type":"object","description":"A job as it is listed."`, `"type":"object","description":"A job","as it is listed.":null`},
		"a type that is none":                     {`"type":"object","description":"A job as it is listed."`, `"type":"record"`},
		"an unknown member of a parameter":        {`"name":"status","in":"query"`, `"name":"status","in":"query","several":null`},
		"an operation without a word for its 200": {`"description":"The jobs."`, `"text":"The jobs."`},
	} {
		changed := strings.Replace(body, change[0], change[1], 1)
		if changed == body {
			t.Errorf("%s: the document does not hold %s", what, change[0])
		} else if validateSpec(t, schema, changed) == nil {
			t.Errorf("%s is not found", what)
		}
	}
}

// Generators make one name space of all components.
func TestComponentsHaveNamesOfTheirOwn(t *testing.T) {
	root := webtest.Decode[map[string]any](t, webtest.Start(t, nil).Read("/crons/openapi.json"))
	kinds := map[string]string{}
	for kind, all := range root["components"].(map[string]any) {
		for name := range all.(map[string]any) {
			// Letter case is no difference for all of them; a header and a security scheme make no type.
			key := strings.ToLower(name)
			if kind == "headers" || kind == "securitySchemes" {
				continue
			}
			if other := kinds[key]; other != "" {
				t.Errorf("%s is a name among %s and %s", name, other, kind)
			}
			kinds[key] = kind
		}
	}
}

func strictSchema(t *testing.T) *spec.Schema {
	t.Helper()
	text, err := os.ReadFile("testdata/openapi-3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	compiler := spec.NewCompiler()
	for id, text := range map[string]string{"https://spec.openapis.org/oas/3.1/schema/2025-11-23": string(text), "https://fibercrons.test/strict": strictOpenAPI} {
		doc, err := spec.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource(id, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("https://fibercrons.test/strict")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validateSpec(t *testing.T, schema *spec.Schema, text string) error {
	t.Helper()
	if !json.Valid([]byte(text)) {
		t.Fatal("not JSON")
	}
	doc, err := spec.UnmarshalJSON(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}
