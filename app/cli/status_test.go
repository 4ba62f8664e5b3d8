package cli

import (
	"os"
	"strings"
	"testing"

	_ "fibercrons/app/redis"
)

func TestStatusTellsOfRedis(t *testing.T) {
	for name, test := range map[string]struct{ url, table, json string }{
		"none": {"", "", ""},
		"away": {"redis://:hunter2@127.0.0.1:1", "does not answer", `"redis": "down"`},
		"here": {os.Getenv("TEST_REDIS_URL"), "answers", `"redis": "up"`},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "here" && test.url == "" {
				t.Skip("set TEST_REDIS_URL, such as redis://127.0.0.1:6379, to test with a Redis")
			}
			f := newFixture(t)
			someJobs(f)
			f.env["REDIS_URL"] = test.url
			table, json := f.run("status"), f.run("status", "-o", "json")
			if table.status != 0 || json.status != 0 || strings.Contains(table.out+json.out, "redis") != (name != "none") ||
				!strings.Contains(table.out, test.table) || !strings.Contains(json.out, test.json) {
				t.Errorf("%+v\n%+v", table, json)
			}
			if strings.Contains(table.out+table.err+json.out+json.err, "hunter2") {
				t.Error("the password is shown")
			}
		})
	}
}

// What status lists is a list in JSON also where there is nothing, as over HTTP.
func TestStatusOfNothing(t *testing.T) {
	f := newFixture(t)
	someJobs(f)
	r := f.run("status", "-o", "json")
	for _, want := range []string{`"active": []`, `"failures": []`, `"instances": []`} {
		if r.status != exitDone || !strings.Contains(r.out, want) {
			t.Errorf("no %s in %d %s%s", want, r.status, r.out, r.err)
		}
	}
}
