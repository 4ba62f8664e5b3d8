package openapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write openapi.json anew")

// What the program serves is what people edit.
func TestJSONIsMadeOfYAML(t *testing.T) {
	text, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file yaml.Node
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	want, err := json.MarshalIndent(ordered{file.Content[0]}, "", "")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("openapi.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile("openapi.json"); err != nil || !bytes.Equal(have, want) {
		t.Errorf("openapi.json is not what openapi.yaml says (%v): go test ./app/web/openapi -update", err)
	}
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
