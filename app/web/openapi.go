package web

import (
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/gofiber/fiber/v2"
	"go.yaml.in/yaml/v3"
)

//go:embed openapi.yaml
var openAPIFile []byte

// openAPI serves the description of the API. It is written in YAML for people, and JSON is the same.
func (s *Server) openAPI(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	doc, err := s.apiJSON()
	if err != nil {
		return err
	}
	return doc.send(c)
}

func newAPIJSON() (document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(openAPIFile, &root); err != nil {
		return document{}, fmt.Errorf("openapi.yaml: %w", err)
	}
	return newDocument(orderedYAML{root.Content[0]})
}

// orderedYAML is a node that becomes JSON with its members in the order of the file, which a map
// would lose.
type orderedYAML struct{ *yaml.Node }

func (n orderedYAML) MarshalJSON() ([]byte, error) {
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
			value, err := orderedYAML{n.Content[i+1]}.MarshalJSON()
			if err != nil {
				return nil, err
			}
			out = append(append(append(out, name...), ':'), value...)
		}
		return append(out, '}'), nil
	case yaml.SequenceNode:
		list := make([]orderedYAML, len(n.Content))
		for i, item := range n.Content {
			list[i] = orderedYAML{item}
		}
		return json.Marshal(list)
	}
	var scalar any
	if err := n.Decode(&scalar); err != nil {
		return nil, err
	}
	return json.Marshal(scalar)
}
