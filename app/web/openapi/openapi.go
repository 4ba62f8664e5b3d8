// Package openapi holds the description of the API and renders it: as JSON for programs and as an HTML page for people.
//
// # Files, in reading order
//
//	openapi.yaml   the description, to be edited; tests hold it to what is served
//	openapi.json   the same for the program, which then needs no YAML; made by: go test ./app/web/openapi -update
//	openapi.go     JSON
//	node.go        JSON whose members have an order
//	page.go        HTML, by page.html
package openapi

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed openapi.json
var source []byte

// JSON is the description as JSON, in the order of the file. base precedes its paths on the server.
func JSON(base string) (json.Marshaler, error) {
	root, err := parse()
	if err != nil {
		return nil, err
	}
	at(at(root, "servers").items[0], "url").value = cmp.Or(base, "/")
	return root, nil
}

func parse() (*node, error) {
	root := new(node)
	if err := json.Unmarshal(source, root); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	return root, nil
}
