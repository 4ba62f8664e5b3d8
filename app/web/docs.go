package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
	"go.yaml.in/yaml/v3"
)

var docsPage = template.Must(template.New("docs.html").Funcs(template.FuncMap{"prose": prose}).ParseFS(pages, "pages/docs.html"))

// docs shows the description of the API as a page. It is rendered here, once, so that it needs no
// script, ours or anybody's.
func (s *Server) docs(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	page, err := s.apiPage()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMETextHTMLCharsetUTF8)
	return c.Send(page)
}

// apiView is what the page shows of openapi.yaml.
type apiView struct {
	Title, Description string
	Groups             []apiGroup
	Schemas            []apiSchema
}

type apiGroup struct {
	Name, Description string
	Operations        []apiOperation
}

type apiOperation struct {
	ID, Method, Path, Summary, Description string
	Open                                   bool // needs no token
	Parameters                             []apiParameter
	Body                                   []apiProperty
	Example                                string
	Responses                              []apiResponse
	Answer                                 string // an example of one that is not JSON
}

type apiParameter struct {
	Name, In, Description string
	Type                  apiType
}

type apiResponse struct {
	Status, Description string
	Type                apiType
}

type apiSchema struct {
	Name, Description, Example string
	Type                       apiType
	Properties                 []apiProperty
}

type apiProperty struct {
	Name, Description string
	Required          bool
	Type              apiType
}

// apiType is a type in words, and the schema it points to.
type apiType struct{ Text, Ref string }

func newAPIPage() ([]byte, error) {
	var file struct {
		Info  struct{ Title, Description string }
		Tags  []struct{ Name, Description string }
		Paths yaml.Node
		All   struct{ Schemas yaml.Node } `yaml:"components"`
	}
	var root yaml.Node
	if err := yaml.Unmarshal(openAPIFile, &root); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := root.Decode(&file); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	api := apiReader{root: root.Content[0]}
	view := apiView{Title: file.Info.Title, Description: file.Info.Description}
	for _, tag := range file.Tags {
		group := apiGroup{Name: tag.Name, Description: tag.Description}
		for path, item := range pairs(&file.Paths) {
			for method, operation := range pairs(item) {
				if first := at(operation, "tags"); first != nil && len(first.Content) > 0 && first.Content[0].Value == tag.Name {
					group.Operations = append(group.Operations, api.operation(path, method, operation))
				}
			}
		}
		view.Groups = append(view.Groups, group)
	}
	for name, schema := range pairs(&file.All.Schemas) {
		view.Schemas = append(view.Schemas, apiSchema{
			Name: name, Description: text(schema, "description"), Example: example(schema),
			Type: api.typeOf(schema), Properties: api.properties(schema),
		})
	}
	var page bytes.Buffer
	if err := docsPage.Execute(&page, view); err != nil {
		return nil, err
	}
	return page.Bytes(), nil
}

// apiReader finds its way in the YAML of an OpenAPI document.
type apiReader struct{ root *yaml.Node }

func (r apiReader) operation(path, method string, n *yaml.Node) apiOperation {
	op := apiOperation{
		ID: text(n, "operationId"), Method: strings.ToUpper(method), Path: path,
		Summary: text(n, "summary"), Description: text(n, "description"),
	}
	if security := at(n, "security"); security != nil {
		op.Open = len(security.Content) == 0
	}
	if list := at(n, "parameters"); list != nil {
		for _, p := range list.Content {
			p = r.resolve(p)
			op.Parameters = append(op.Parameters, apiParameter{
				Name: text(p, "name"), In: text(p, "in"), Description: text(p, "description"), Type: r.typeOf(at(p, "schema")),
			})
		}
	}
	if content := at(at(at(n, "requestBody"), "content"), fiber.MIMEApplicationJSON); content != nil {
		op.Body, op.Example = r.properties(at(content, "schema")), example(content)
	}
	for status, response := range pairs(at(n, "responses")) {
		response = r.resolve(response)
		view := apiResponse{Status: status, Description: text(response, "description")}
		for _, content := range pairs(at(response, "content")) {
			view.Type = r.typeOf(at(content, "schema"))
			if sample := text(content, "example"); sample != "" {
				op.Answer = sample
			}
			break
		}
		op.Responses = append(op.Responses, view)
	}
	return op
}

// properties are those of a schema and of what it is made of.
func (r apiReader) properties(schema *yaml.Node) (list []apiProperty) {
	if parts := at(schema, "allOf"); parts != nil {
		for _, part := range parts.Content {
			list = append(list, r.properties(r.resolve(part))...)
		}
		return list
	}
	required := map[string]bool{}
	if names := at(schema, "required"); names != nil {
		for _, name := range names.Content {
			required[name.Value] = true
		}
	}
	for name, property := range pairs(at(schema, "properties")) {
		list = append(list, apiProperty{Name: name, Description: text(property, "description"), Required: required[name], Type: r.typeOf(property)})
	}
	return list
}

func (r apiReader) typeOf(schema *yaml.Node) apiType {
	if schema == nil {
		return apiType{}
	}
	if ref := text(schema, "$ref"); ref != "" {
		name := ref[strings.LastIndex(ref, "/")+1:]
		return apiType{Text: name, Ref: name}
	}
	if choices := at(schema, "oneOf"); choices != nil {
		var whole apiType
		for i, choice := range choices.Content {
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
		for _, v := range values.Content {
			words = append(words, v.Value)
		}
		return apiType{Text: strings.Join(words, " | ")}
	}
	kind := at(schema, "type")
	if kind == nil {
		return apiType{Text: "any"}
	}
	words := []string{kind.Value}
	if kind.Kind == yaml.SequenceNode {
		words = nil
		for _, k := range kind.Content {
			words = append(words, k.Value)
		}
	}
	if items := at(schema, "items"); items != nil {
		of := r.typeOf(items)
		return apiType{Text: "list of " + of.Text, Ref: of.Ref}
	}
	for i, word := range words {
		if word == "string" && text(schema, "format") == "date-time" {
			words[i] = "instant"
		}
	}
	return apiType{Text: strings.Join(words, " or ")}
}

// resolve follows a reference inside the document.
func (r apiReader) resolve(n *yaml.Node) *yaml.Node {
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
func pairs(n *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}

// at is the member of a mapping; nil when there is none.
func at(n *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(n) {
		if key == name {
			return value
		}
	}
	return nil
}

func text(n *yaml.Node, name string) string {
	if value := at(n, name); value != nil && value.Kind == yaml.ScalarNode {
		return value.Value
	}
	return ""
}

func example(n *yaml.Node) string {
	value := at(n, "example")
	if value == nil {
		return ""
	}
	body, err := json.MarshalIndent(orderedYAML{value}, "", "  ")
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
