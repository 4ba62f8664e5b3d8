package pages_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// formOf are the values of the form with an action, as a browser without scripts sends them: no button among them.
func formOf(t *testing.T, body, action string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	attr := func(n *html.Node, name string) (string, bool) {
		for _, at := range n.Attr {
			if at.Key == name {
				return at.Val, true
			}
		}
		return "", false
	}
	text := func(n *html.Node) (all string) {
		for d := range n.Descendants() {
			if d.Type == html.TextNode {
				all += d.Data
			}
		}
		return all
	}
	for n := range root.Descendants() {
		if at, _ := attr(n, "action"); n.Data != "form" || !strings.HasSuffix(at, action) {
			continue
		}
		values := url.Values{}
		for f := range n.Descendants() {
			name, named := attr(f, "name")
			if !named {
				continue
			}
			value, _ := attr(f, "value")
			switch f.Data {
			case "input":
				kind, _ := attr(f, "type")
				if _, checked := attr(f, "checked"); kind != "checkbox" || checked {
					values.Add(name, strings.ReplaceAll(value, "\n", ""))
				}
			case "textarea":
				values.Add(name, strings.ReplaceAll(text(f), "\n", "\r\n"))
			case "select":
				chosen, any := "", false
				for o := range f.Descendants() {
					_, selected := attr(o, "selected")
					if o.Data != "option" || any && !selected {
						continue
					}
					if v, has := attr(o, "value"); has {
						chosen = v
					} else {
						chosen = text(o)
					}
					if any = true; selected {
						break
					}
				}
				values.Add(name, chosen)
			}
		}
		return values
	}
	t.Fatalf("no form leads to %s: %s", action, body)
	return nil
}
