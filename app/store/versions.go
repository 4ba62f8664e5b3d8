package store

import (
	"time"

	"gorm.io/gorm"

	"fibercrons/app/contract"
	"fibercrons/app/store/row"
)

// versionsLock is the row of job_groups that a sync locks, so that of versions that come at the same
// time one is newer. No group of a job has the name.
const versionsLock = ""

// instancesKept is how long a process that gave no more sign of life stays listed.
const instancesKept = 30 * 24 * time.Hour

// versionsSQL is the step that adds versions; text is the type of a key, and table
// what follows the columns of a table.
func versionsSQL(text, table string) []string {
	return []string{
		"CREATE TABLE job_versions (print " + text + " NOT NULL PRIMARY KEY, generation BIGINT NOT NULL, seen_at BIGINT NOT NULL)" + table,
		"ALTER TABLE job_instances ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
		"ALTER TABLE job_state ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
	}
}

// version enlists the program and its instance. It returns the program's generation, and whether an
// instance of a newer one lives; see [contract.Program].
func (t *txn) version(db *gorm.DB, p *contract.Program) (own int64, newer bool) {
	if p.Print == "" {
		return 0, false
	}
	var last int64
	t.fail(db.Raw("SELECT COALESCE(MAX(generation), 0) FROM job_versions").Scan(&last).Error)
	t.fail(db.Raw("SELECT COALESCE(MAX(generation), 0) FROM job_versions WHERE print = ?", p.Print).Scan(&own).Error)
	if own != 0 && own < last {
		alive := t.now - 2*p.Lease.Milliseconds()
		t.fail(db.Raw("SELECT COUNT(*) > 0 FROM job_instances WHERE stopped_at IS NULL AND seen_at > ? AND generation > ?", alive, own).Scan(&newer).Error)
	}
	switch {
	case own == 0:
		own = last + 1
		t.fail(db.Exec("INSERT INTO job_versions (print, generation, seen_at) VALUES (?, ?, ?)", p.Print, own, t.now).Error)
	case own < last && !newer:
		own = last + 1
		t.fail(db.Exec("UPDATE job_versions SET generation = ?, seen_at = ? WHERE print = ?", own, t.now, p.Print).Error)
	}
	t.fail(db.Exec("DELETE FROM job_instances WHERE seen_at < ?", t.now-instancesKept.Milliseconds()).Error)
	if p.Instance.ID != "" {
		t.fail(signOfLife(db, &contract.Beat{Instance: p.Instance, At: p.At}))
		t.fail(db.Exec("UPDATE job_instances SET generation = ? WHERE id = ?", own, p.Instance.ID).Error)
	}
	return own, newer
}

// generations are those of the jobs, by name.
func (t *txn) generations(db *gorm.DB) map[string]int64 {
	var rows []row.JobState
	t.fail(db.Select("name, generation").Where("generation > 0").Find(&rows).Error)
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.Name] = r.Generation
	}
	return out
}
