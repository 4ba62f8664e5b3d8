package openapi

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// node is a JSON value. A map would lose the order of an object's members.
type node struct {
	names []string // of an object's members, one for each item; nil: no object
	items []*node  // of an object or a list; nil: neither
	value any      // of what is neither
}

// UnmarshalJSON is for package json.
func (n *node) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return n.read(d)
}

func (n *node) read(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := token.(json.Delim)
	if !ok {
		n.value = token
		return nil
	}
	n.items = []*node{}
	if open == '{' {
		n.names = []string{}
	}
	for d.More() {
		if open == '{' {
			name, err := d.Token()
			if err != nil {
				return err
			}
			n.names = append(n.names, fmt.Sprint(name))
		}
		item := new(node)
		if err := item.read(d); err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err = d.Token() // the end
	return err
}

// MarshalJSON is for package json.
func (n *node) MarshalJSON() ([]byte, error) {
	switch {
	case n.items == nil:
		return json.Marshal(n.value)
	case n.names == nil:
		return json.Marshal(n.items)
	}
	out := []byte{'{'}
	for i, item := range n.items {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(n.names[i])
		if err != nil {
			return nil, err
		}
		value, err := item.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// text is the value of what is neither object nor list; of these, and of nil, "".
func (n *node) text() string {
	if n == nil || n.items != nil {
		return ""
	}
	return fmt.Sprint(n.value)
}
