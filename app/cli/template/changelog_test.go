package template_test

import (
	"slices"
	"testing"

	"fibercrons/app/cli/template"
)

// The steps of the schema are found wherever a version keeps them.
func TestStepsOfTheSchema(t *testing.T) {
	old := map[string]string{
		"app/store/db/sqlite_sql.go":   "package db\n\nvar sqliteSteps = []migration{{\"the first tables\", nil}, {name: \"alerts\"}}\n",
		"app/store/db/postgres_sql.go": "package db\n\nvar postgresSteps = []migration{{\"the first tables\", nil}}\n",
	}
	next := map[string]string{
		"app/store/sqlite/sql.go":   "package sqlite\n\nvar migrations = []db.Migration{{Name: \"the first tables\"}, {Name: \"alerts\"}, {Name: \"parts\"}}\n",
		"app/store/postgres/sql.go": "package postgres\n\nvar migrations = []db.Migration{{Name: \"the first tables\"}, {Name: \"alerts\"}, {Name: \"parts\"}}\n",
	}
	if got, want := template.Steps(old, next), []string{"alerts (postgres)", "parts"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := template.Steps(next, next); len(got) != 0 {
		t.Errorf("%q are new", got)
	}
}
