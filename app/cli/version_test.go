package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"fibercrons/app/schedule"
)

func TestVersionTellsItsTimeZoneData(t *testing.T) {
	f := newFixture(t)
	if out := f.say("version").out; !strings.Contains(out, " tzdata "+schedule.DataVersion()+"\nparts: ") || !strings.Contains(out, " sqlite") {
		t.Errorf("version says %q", out)
	}
	var b struct {
		TZData string `json:"tzdata"`
	}
	if err := json.Unmarshal([]byte(f.say("version", "-o", "json").out), &b); err != nil || b.TZData != schedule.DataVersion() {
		t.Errorf("tzdata is %q, %v", b.TZData, err)
	}
}
