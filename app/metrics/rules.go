package metrics

import (
	"bytes"
	_ "embed"
	"text/template"
)

//go:embed rules.yml
var rulesText string

// Rules are alert rules for Prometheus, as a file for its rule_files.
func Rules() ([]byte, error) {
	// [[ ]], because Prometheus uses {{ }}.
	t, err := template.New("rules").Delims("[[", "]]").Option("missingkey=error").Parse(rulesText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, map[string]string{
		"runs": runsTotal, "late": startLateness, "catchUp": catchUpTotal, "skipped": skippedTotal,
		"since": sinceSuccess, "until": untilNext, "gap": slotGap, "failing": jobFailing, "paused": jobPaused,
		"overdue": runsOverdue, "waiting": runsWaiting, "workers": workers, "busy": workersBusy, "tick": sinceTick,
		"claims": claimsTotal, "up": storeUp, "queue": storeQueue, "commitErrors": commitErrors, "commit": commitDuration,
		"requests": requestsTotal, "job": labelJob, "outcome": labelOutcome, "cause": labelCause, "reason": labelReason,
		"result": labelResult, "code": labelCode, "route": labelRoute,
	})
	return b.Bytes(), err
}
