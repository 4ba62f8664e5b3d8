package schedules

import (
	"bytes"
	"encoding/json"
	"fmt"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// scan reads the columns of [db.ScheduleRow].
func scan(r Row) (contract.Schedule, error) {
	var g contract.Schedule
	var created, from, until, pausedAt, pausedUntil, watermark, next, updated, last row.Millis
	var args, meta []byte
	err := r.Scan(&g.ID, &created, &g.Job, &g.Expr, &g.Zone, &args, &from, &until, &g.MaxRuns, &meta,
		&g.Paused, &pausedAt, &pausedUntil, &g.PausedBy, &g.PausedReason, &g.Revision, &watermark, &next, &updated, &g.UpdatedBy,
		&g.Runs, &last, &g.LastRunID, (*string)(&g.LastStatus))
	if err != nil {
		return g, err
	}
	g.CreatedAt, g.From, g.Until, g.PausedAt, g.PausedUntil = created.Time(), from.Time(), until.Time(), pausedAt.Time(), pausedUntil.Time()
	g.Watermark, g.Next, g.UpdatedAt, g.LastRun = watermark.Time(), next.Time(), updated.Time(), last.Time()
	if len(args) > 0 {
		g.Args = args
	}
	if len(meta) > 0 {
		if err := json.Unmarshal(meta, &g.Meta); err != nil {
			return g, fmt.Errorf("meta of schedule %q: %w", g.ID, err)
		}
	}
	return g, nil
}

// width is the number of [db.EditedColumns].
const width = 20

// values are those of [db.EditedColumns].
func values(g *contract.Schedule) []any {
	var args, meta any
	if g.Args != nil {
		args = string(g.Args)
	}
	if len(g.Meta) > 0 {
		meta = string(metaJSON(g.Meta))
	}
	paused := int64(0)
	if g.Paused {
		paused = 1
	}
	return []any{
		g.ID, int64(row.MillisOf(g.CreatedAt)), g.Job, g.Expr, g.Zone, args, orNull(row.MillisOf(g.From)), orNull(row.MillisOf(g.Until)), g.MaxRuns, meta,
		paused, orNull(row.MillisOf(g.PausedAt)), orNull(row.MillisOf(g.PausedUntil)), g.PausedBy, g.PausedReason, g.Revision,
		int64(row.MillisOf(g.Watermark)), orNull(row.MillisOf(g.Next)), int64(row.MillisOf(g.UpdatedAt)), g.UpdatedBy,
	}
}

func orNull(m row.Millis) any {
	if m == 0 {
		return nil
	}
	return int64(m)
}

// metaJSON is an object with its names in order, in which texts are as they are but for quotes, backslashes and control
// characters.
func metaJSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil // cannot happen: it has texts
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
