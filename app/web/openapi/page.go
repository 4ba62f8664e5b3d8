package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"regexp"
	"strings"
)

//go:embed page.html
var pageHTML string

// view is what the page shows.
type view struct {
	Base               string // precedes the paths on the server
	Title, Description string
	Groups             []group
	Schemas            []schema
}

type group struct {
	Name, Description string
	Operations        []operation
}

type operation struct {
	ID, Method, Path, Summary, Description string
	Open                                   bool // needs no token
	Parameters                             []parameter
	Body                                   []property
	Example                                string
	Responses                              []response
	Answer                                 string // an example of one that is not JSON
}

type parameter struct {
	Name, In, Description string
	Type                  typeName
}

type response struct {
	Status, Description string
	Type                typeName
}

type schema struct {
	Name, Description, Example string
	Type                       typeName
	Properties                 []property
}

type property struct {
	Name, Description string
	Required          bool
	Type              typeName
}

// typeName is a type in words, and the schema it points to.
type typeName struct{ Text, Ref string }

// Page is the description as HTML. It needs no script.
func Page(base string) ([]byte, error) {
	layout, err := template.New("page.html").Funcs(template.FuncMap{"prose": prose}).Parse(pageHTML)
	if err != nil {
		return nil, err
	}
	root, err := parse()
	if err != nil {
		return nil, err
	}
	r, info := reader{root}, at(root, "info")
	v := view{Base: base, Title: text(info, "title"), Description: text(info, "description")}
	for _, tag := range at(root, "tags").items {
		g := group{Name: text(tag, "name"), Description: text(tag, "description")}
		for path, item := range pairs(at(root, "paths")) {
			for method, n := range pairs(item) {
				if first := at(n, "tags"); first != nil && len(first.items) > 0 && first.items[0].text() == g.Name {
					g.Operations = append(g.Operations, r.operation(path, method, n))
				}
			}
		}
		v.Groups = append(v.Groups, g)
	}
	for name, n := range pairs(at(at(root, "components"), "schemas")) {
		v.Schemas = append(v.Schemas, schema{
			Name: name, Description: text(n, "description"), Example: example(n), Type: r.typeOf(n), Properties: r.properties(n),
		})
	}
	var page bytes.Buffer
	if err := layout.Execute(&page, v); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// reader finds its way in an OpenAPI document.
type reader struct{ root *node }

func (r reader) operation(path, method string, n *node) operation {
	op := operation{
		ID: text(n, "operationId"), Method: strings.ToUpper(method), Path: path,
		Summary: text(n, "summary"), Description: text(n, "description"),
	}
	if security := at(n, "security"); security != nil {
		op.Open = len(security.items) == 0
	}
	if list := at(n, "parameters"); list != nil {
		for _, p := range list.items {
			p = r.resolve(p)
			op.Parameters = append(op.Parameters, parameter{
				Name: text(p, "name"), In: text(p, "in"), Description: text(p, "description"), Type: r.typeOf(at(p, "schema")),
			})
		}
	}
	if content := at(at(at(n, "requestBody"), "content"), "application/json"); content != nil {
		op.Body, op.Example = r.properties(at(content, "schema")), example(content)
	}
	for status, node := range pairs(at(n, "responses")) {
		node = r.resolve(node)
		answer := response{Status: status, Description: text(node, "description")}
		for _, content := range pairs(at(node, "content")) {
			answer.Type = r.typeOf(at(content, "schema"))
			if sample := text(content, "example"); sample != "" {
				op.Answer = sample
			}
			break
		}
		op.Responses = append(op.Responses, answer)
	}
	return op
}

// properties are those of a schema and of its parts.
func (r reader) properties(schema *node) (list []property) {
	if parts := at(schema, "allOf"); parts != nil {
		for _, part := range parts.items {
			list = append(list, r.properties(r.resolve(part))...)
		}
		return list
	}
	required := map[string]bool{}
	if names := at(schema, "required"); names != nil {
		for _, name := range names.items {
			required[name.text()] = true
		}
	}
	for name, p := range pairs(at(schema, "properties")) {
		list = append(list, property{Name: name, Description: text(p, "description"), Required: required[name], Type: r.typeOf(p)})
	}
	return list
}

func (r reader) typeOf(schema *node) typeName {
	if schema == nil {
		return typeName{}
	}
	if ref := text(schema, "$ref"); ref != "" {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return typeName{Text: name, Ref: name}
	}
	if choices := at(schema, "oneOf"); choices != nil {
		var whole typeName
		for i, choice := range choices.items {
			t := r.typeOf(choice)
			if i > 0 {
				whole.Text += " or "
			}
			whole.Text += t.Text
			whole.Ref += t.Ref
		}
		return whole
	}
	if values := at(schema, "enum"); values != nil {
		var words []string
		for _, v := range values.items {
			words = append(words, v.text())
		}
		return typeName{Text: strings.Join(words, " | ")}
	}
	kind := at(schema, "type")
	if kind == nil {
		return typeName{Text: "any"}
	}
	words := []string{kind.text()}
	if kind.items != nil {
		words = nil
		for _, k := range kind.items {
			words = append(words, k.text())
		}
	}
	if items := at(schema, "items"); items != nil {
		of := r.typeOf(items)
		return typeName{Text: "list of " + of.Text, Ref: of.Ref}
	}
	for i, word := range words {
		if word == "string" && text(schema, "format") == "date-time" {
			words[i] = "instant"
		}
	}
	return typeName{Text: strings.Join(words, " or ")}
}

// resolve follows a reference inside the document.
func (r reader) resolve(n *node) *node {
	ref := text(n, "$ref")
	if ref == "" {
		return n
	}
	n = r.root
	for step := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		n = at(n, step)
	}
	return n
}

// pairs are the members of a mapping, in the order of the file.
func pairs(n *node) func(func(string, *node) bool) {
	return func(yield func(string, *node) bool) {
		if n == nil {
			return
		}
		for i, name := range n.names {
			if !yield(name, n.items[i]) {
				return
			}
		}
	}
}

// at is the member of a mapping; nil when there is none.
func at(n *node, name string) *node {
	for key, value := range pairs(n) {
		if key == name {
			return value
		}
	}
	return nil
}

func text(n *node, name string) string { return at(n, name).text() }

func example(n *node) string {
	value := at(n, "example")
	if value == nil {
		return ""
	}
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return ""
	}
	// The page escapes for HTML itself.
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(body))
}

var (
	codeSpan   = regexp.MustCompile("`([^`]+)`")
	strongSpan = regexp.MustCompile(`\*\*([^*]+)\*\*`)
	emSpan     = regexp.MustCompile(`\*([^*]+)\*`)
)

// prose renders the little of Markdown that the descriptions use.
func prose(s string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		html := template.HTMLEscapeString(paragraph)
		list := strings.HasPrefix(html, "- ")
		if list {
			html = strings.ReplaceAll(html[2:], "\n- ", "</li>\n<li>")
		}
		html = codeSpan.ReplaceAllString(html, "<code>$1</code>")
		html = strongSpan.ReplaceAllString(html, "<strong>$1</strong>")
		html = emSpan.ReplaceAllString(html, "<em>$1</em>")
		if list {
			b.WriteString("<ul><li>" + html + "</li></ul>\n")
		} else {
			b.WriteString("<p>" + html + "</p>\n")
		}
	}
	return template.HTML(b.String()) //nolint:gosec // escaped above; the text is our own file
}
