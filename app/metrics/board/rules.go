package board

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
		"runs": RunsTotal, "late": StartLateness, "catchUp": CatchUpTotal, "skipped": SkippedTotal,
		"since": SinceSuccess, "until": UntilNext, "gap": SlotGap, "failing": JobFailing, "paused": JobPaused,
		"overdue": RunsOverdue, "waiting": RunsWaiting, "workers": Workers, "busy": WorkersBusy, "tick": SinceTick,
		"claims": ClaimsTotal, "up": StoreUp, "queue": StoreQueue, "commitErrors": CommitErrors, "commit": CommitDuration,
		"requests": RequestsTotal, "job": LabelJob, "outcome": LabelOutcome, "cause": LabelCause, "reason": LabelReason,
		"result": LabelResult, "code": LabelCode, "route": LabelRoute,
	})
	return b.Bytes(), err
}
