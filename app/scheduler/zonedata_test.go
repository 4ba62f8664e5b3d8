package scheduler_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"fibercrons/app/contract"
	"fibercrons/app/crontest"
	"fibercrons/app/schedule"
)

// A process warns once about live processes with other time-zone data, not about stopped ones or those without that
// data.
func TestWarnsOfOtherZoneData(t *testing.T) {
	crontest.Bubble(t, func(t *testing.T) {
		db := crontest.NewMemory()
		beat := func(id, data string, gone bool) {
			_, err := db.Beat(t.Context(), contract.Beat{Instance: contract.InstanceInfo{ID: id, Host: "h", TZData: data}, At: time.Now(), Lease: time.Minute, Gone: gone})
			if err != nil {
				t.Fatal(err)
			}
		}
		beat("gone", "2001a", true)
		beat("silent", "2002b", false)
		time.Sleep(time.Hour)
		beat("old", "", false)
		beat("same", schedule.DataVersion(), false)

		var log bytes.Buffer
		stop := replicaThatLogs(t, db, slog.New(slog.NewTextHandler(&log, nil)))
		time.Sleep(5 * time.Minute)
		if warned := strings.Count(log.String(), "other time-zone data"); warned != 0 {
			t.Errorf("warned %d times of nobody: %s", warned, log.String())
		}
		for range 30 {
			beat("other", "2003c", false)
			time.Sleep(10 * time.Second)
		}
		stop()
		warned := strings.Count(log.String(), "other time-zone data")
		if warned != 1 || !strings.Contains(log.String(), "others=[2003c]") || !strings.Contains(log.String(), "tzdata="+schedule.DataVersion()) {
			t.Errorf("warned %d times, want once of 2003c: %s", warned, log.String())
		}
		list, err := db.Instances(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		for _, i := range list {
			if i.Host != "h" && i.TZData == schedule.DataVersion() {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the process does not tell its own: %+v", list)
		}
	})
}
