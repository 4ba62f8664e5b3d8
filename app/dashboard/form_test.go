package dashboard_test

import (
	"testing"

	"fibercrons/app/dashboard"
)

const someSchema = `{"type":"object","properties":{
	"region":{"type":"string","enum":["eu","us"],"description":"which books"},
	"limit":{"type":"integer"},"rate":{"type":"number"},"dry":{"type":"boolean"},
	"note":{"type":["null","string"]},"skip":{"type":["null","array"],"items":{"type":"string"}},"any":{}}}`

func TestFormOfArguments(t *testing.T) {
	fields := dashboard.ArgFields([]byte(someSchema), []byte(`{"region":"us","limit":3,"rate":0.5,"dry":true,"note":null,"skip":["a"],"any":{"x":1}}`))
	want := []dashboard.ArgField{
		{Name: "region", Input: "arg.region", Kind: "choice", About: "which books", Value: "us", Enum: []string{"eu", "us"}},
		{Name: "limit", Input: "arg.limit", Kind: "integer", Value: "3"},
		{Name: "rate", Input: "arg.rate", Kind: "number", Value: "0.5"},
		{Name: "dry", Input: "arg.dry", Kind: "boolean", Value: "true"},
		{Name: "note", Input: "arg.note", Kind: "text", Null: true},
		{Name: "skip", Input: "arg.skip", Kind: "json", Value: "[\n  \"a\"\n]", Null: true},
		{Name: "any", Input: "arg.any", Kind: "json", Value: "{\n  \"x\": 1\n}"},
	}
	if len(fields) != len(want) {
		t.Fatalf("%d fields, want %d: %+v", len(fields), len(want), fields)
	}
	for i, f := range fields {
		if f.Name != want[i].Name || f.Kind != want[i].Kind || f.Value != want[i].Value || f.Null != want[i].Null || f.About != want[i].About || len(f.Enum) != len(want[i].Enum) {
			t.Errorf("field %d is %+v, want %+v", i, f, want[i])
		}
	}
}

func TestArgumentsComeBackAsTheyAre(t *testing.T) {
	fields := dashboard.ArgFields([]byte(someSchema), []byte(`{}`))
	for _, c := range []struct {
		name string
		form map[string]string
		want string
	}{
		{"all", map[string]string{"arg.region": "eu", "arg.limit": "12345678901234567890", "arg.rate": "1e3", "arg.dry": "true", "arg.note": "7", "arg.skip": `["a","b"]`, "arg.any": "{}"},
			`{"region":"eu","limit":12345678901234567890,"rate":1e3,"dry":true,"note":"7","skip":["a","b"],"any":{}}`},
		{"a box that is not ticked is not sent", map[string]string{"arg.region": "eu"}, `{"region":"eu","dry":false}`},
		{"empty fields", map[string]string{"arg.limit": " ", "arg.note": "", "arg.any": ""}, `{"dry":false,"note":null}`},
		{"wrong ones are left to whoever checks", map[string]string{"arg.limit": "many", "arg.skip": "[a"}, `{"limit":"many","dry":false,"skip":"[a"}`},
		{"hostile ones stay texts", map[string]string{"arg.note": `","x":"</script>`}, `{"dry":false,"note":"\",\"x\":\"\u003c/script\u003e"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := dashboard.Args(fields, func(name string) (string, bool) { v, ok := c.form[name]; return v, ok })
			if string(got) != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNoFormWithoutASchema(t *testing.T) {
	for _, schema := range []string{"", "null", "[", `{"type":"object"}`, `{"properties":[]}`} {
		if fields := dashboard.ArgFields([]byte(schema), nil); len(fields) != 0 {
			t.Errorf("%q has the fields %+v", schema, fields)
		}
	}
}
