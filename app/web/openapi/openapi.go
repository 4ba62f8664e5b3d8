// Package openapi holds the description of the API, openapi.yaml, and renders it: as JSON for programs and as
// an HTML page for people.
//
// # Files, in reading order
//
//	openapi.yaml   the description; tests hold it to what is served
//	openapi.go     JSON
//	page.go        HTML, by page.html
package openapi

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var source []byte

// JSON is the description as JSON, in the order of the file. base precedes its paths on the server.
func JSON(base string) (json.Marshaler, error) {
	root, err := parse()
	if err != nil {
		return nil, err
	}
	at(at(root, "servers").Content[0], "url").Value = cmp.Or(base, "/")
	return ordered{root}, nil
}

func parse() (*yaml.Node, error) {
	var file yaml.Node
	if err := yaml.Unmarshal(source, &file); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return file.Content[0], nil
}

// ordered is a node that becomes JSON with its members in the order of the file, which a map would lose.
type ordered struct{ *yaml.Node }

// MarshalJSON is for package json.
func (n ordered) MarshalJSON() ([]byte, error) {
	switch n.Kind {
	case yaml.MappingNode:
		out := []byte{'{'}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				out = append(out, ',')
			}
			name, err := json.Marshal(n.Content[i].Value)
			if err != nil {
				return nil, err
			}
			value, err := ordered{n.Content[i+1]}.MarshalJSON()
			if err != nil {
				return nil, err
			}
			out = append(append(append(out, name...), ':'), value...)
		}
		return append(out, '}'), nil
	case yaml.SequenceNode:
		list := make([]ordered, len(n.Content))
		for i, item := range n.Content {
			list[i] = ordered{item}
		}
		return json.Marshal(list)
	}
	var scalar any
	if err := n.Decode(&scalar); err != nil {
		return nil, err
	}
	return json.Marshal(scalar)
}
