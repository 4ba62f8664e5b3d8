// Package models holds the rows of the database as gorm models. The template's own are in app/store/row. Add yours beside
// them: a struct is all it takes, and app.DB(ctx) reads and writes it from a job or a route.
//
//	type Invoice struct {
//		ID     string `gorm:"primaryKey"`
//		Cents  int64
//		PaidAt models.Millis // NULL until paid
//	}
//
// Its table is made by a migration in migrations.go, which is yours:
//
//	var Migrations = []Migration{
//		{ID: "2027-01-15 invoices", Up: func(tx *gorm.DB) error { return tx.Migrator().CreateTable(&Invoice{}) }},
//		{ID: "2027-02-01 invoices have a customer", Up: func(tx *gorm.DB) error {
//			return tx.Exec("ALTER TABLE invoices ADD COLUMN customer VARCHAR(100) NOT NULL DEFAULT ''").Error
//		}},
//	}
//
// Those that a database has not had run in the order of the list, at the start of the server, before a command that writes,
// and by `cli migrate`; `cli migrate status` names them, and what only reads runs none. One process at a time runs them. One that
// fails stops the start with its ID. An ID that is no longer in the list is forgotten here and stays recorded; one that is put
// between others runs, too. AutoMigrate makes tables; do not run it over one that has rows on SQLite, where it can empty columns.
//
// On SQLite a transaction that writes holds up every job while it is open. It is rolled back after 10 s if one
// waits; see store.Store.DB.
//
// The template's own tables are [JobState], [JobRun], [JobSchedule], [RunLog], [Instance], [AuditEntry],
// [Alert], [AlertDelivery] and [Silence]. Read them as you like; app/store writes them, and creates them by explicit, append-only migrations.
//
// Instants are [Millis]: UTC milliseconds as an integer. A time.Time would be kept by SQLite as
// text with the writer's offset, which neither sorts nor is unique across zones.
package models
