package dashboard_test

import (
	"errors"
	"net/url"
	"testing"

	"fibercrons/app/cron"
	"fibercrons/app/dashboard"
	"fibercrons/app/ops"
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

func TestFieldsShowWhatWasTyped(t *testing.T) {
	fields := dashboard.ArgFields([]byte(someSchema), []byte(`{"region":"us","limit":3,"dry":true,"note":"a\nb"}`))
	form := map[string]string{"arg.region": "eu", "arg.limit": "many", "arg.note": "c\r\nd"}
	typed := dashboard.WithTyped(fields, func(name string) (string, bool) { v, ok := form[name]; return v, ok })
	for i, want := range []string{"eu", "many", "", "false", "c\nd"} {
		if typed[i].Value != want {
			t.Errorf("%s is %q, want %q", typed[i].Name, typed[i].Value, want)
		}
	}
	if args := dashboard.Args(fields, dashboard.Typed(url.Values{"arg.note": {"c\r\nd"}})); string(args) != `{"dry":false,"note":"c\nd"}` {
		t.Errorf("the arguments are %s", args)
	}
	if !fields[4].Lines() || !typed[4].Lines() || fields[0].Value != "us" {
		t.Errorf("the fields are %+v, typed %+v", fields, typed)
	}
}

func TestScheduleIsReadFromItsForm(t *testing.T) {
	fields := dashboard.ArgFields([]byte(someSchema), []byte(`{}`))
	typed := dashboard.ReadSchedule(url.Values{
		"id": {" a "}, "job": {"j"}, "args_of": {"j"}, "expr": {"@daily"}, "from": {"2027-01-02T03:04:05+01:00"}, "until_utc": {"2028-01-01T00:00"}, "max_runs": {"3"},
		"meta_key": {"k", "", ""}, "meta_value": {"v", "", "no key"}, "arg.limit": {"7"}, "revision": {"12"},
	})
	in, err := typed.Input(fields, []byte(`{"limit":1,"hidden":{"x":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if in.ID != "a" || string(in.Args) != `{"limit":7,"dry":false,"hidden":{"x":1}}` || in.MaxRuns != 3 || in.Meta["k"] != "v" || in.Meta[""] != "no key" || typed.Match() != 12 {
		t.Errorf("it is %+v with %s, revision %d", in, in.Args, typed.Match())
	}
	if from, until := typed.From.UTC(), typed.Until.Value(); from != "2027-01-02T02:04:05.000Z" || until != "2028-01-01T00:00:00" {
		t.Errorf("from %s until %s", from, until)
	}
	// A job whose arguments no field shows keeps them.
	if in, _ := typed.Input(nil, []byte(`{"x":1}`)); string(in.Args) != `{"x":1}` {
		t.Errorf("the arguments are %s", in.Args)
	}
	_, err = dashboard.ReadSchedule(url.Values{"from": {"soon"}, "until_utc": {"later"}, "max_runs": {"1.5"}, "meta_key": {"k", "k"}, "meta_value": {"", "v"}}).Input(nil, nil)
	var wrong *cron.ArgsError
	if !errors.As(err, &wrong) || len(wrong.Fields) != 4 {
		t.Errorf("the mistakes are %v", err)
	}
}

func TestDifferencesOfTwoEdits(t *testing.T) {
	theirs := ops.ScheduleInput{ID: "a", Job: "j", Expr: "@daily", MaxRuns: 3, Meta: map[string]string{"k": "<b>"}}
	mine := theirs
	if list := dashboard.Differences(theirs, mine); len(list) != 0 {
		t.Errorf("the same differs: %v", list)
	}
	mine.Expr, mine.MaxRuns, mine.Paused = "@hourly", 0, true
	want := []dashboard.Change{{Key: "expr", From: "@daily", To: "@hourly"}, {Key: "max_runs", From: "3"}, {Key: "paused", To: "true"}}
	list := dashboard.Differences(theirs, mine)
	if len(list) != len(want) {
		t.Fatalf("the differences are %v", list)
	}
	for i := range want {
		if list[i] != want[i] {
			t.Errorf("difference %d is %v, want %v", i, list[i], want[i])
		}
	}
}
