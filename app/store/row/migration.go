package row

import "gorm.io/gorm"

// Migration is a step by which the user's own tables come to be, or change. It is carried out once on a database, in the
// order of the list.
type Migration struct {
	// ID is what is remembered, up to 200 bytes, such as "2027-01-15 invoices". It never changes.
	ID string
	// Up makes the change, in a transaction that also holds its record. MySQL commits each change of a table by itself:
	// what failed half way begins again at the next start.
	Up func(tx *gorm.DB) error
}
