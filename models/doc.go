// Package models holds the rows of the database as gorm models, one per file. Add yours beside
// them: a struct is all it takes, and app.DB(ctx) reads and writes it from a job or a route.
//
//	type Invoice struct {
//		ID     string `gorm:"primaryKey"`
//		Cents  int64
//		PaidAt models.Millis // NULL until paid
//	}
//
// On SQLite a transaction that writes holds up every job while it is open. It is rolled back after 10 s if one
// waits; see store.Store.DB.
//
// The template's own tables are [JobState], [JobRun], [RunLog], [Instance], [AuditEntry], [Alert],
// [AlertDelivery] and [Silence]. Read them as you like; app/store writes them, and creates them by explicit, append-only migrations.
//
// Instants are [Millis]: UTC milliseconds as an integer. A time.Time would be kept by SQLite as
// text with the writer's offset, which neither sorts nor is unique across zones.
package models
