package row

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"fibercrons/app/internal/millis"
)

// Millis is an instant in UTC milliseconds since 1970. Zero means that there is none, and is
// NULL in the database and null in JSON.
type Millis int64

// MillisOf returns t as Millis; the zero time is zero.
func MillisOf(t time.Time) Millis { return Millis(millis.Of(t)) }

// Time returns the instant in UTC; zero is the zero time.
func (m Millis) Time() time.Time { return millis.Time(m).UTC() }

// Pointer returns the instant in UTC; zero is nil.
func (m Millis) Pointer() *time.Time {
	return millis.Optional(m.Time())
}

// String returns the instant in RFC 3339, or "never".
func (m Millis) String() string {
	if m == 0 {
		return "never"
	}
	return m.Time().Format(time.RFC3339Nano)
}

// MarshalJSON writes RFC 3339 or null.
func (m Millis) MarshalJSON() ([]byte, error) { return json.Marshal(m.Pointer()) }

// GormDataType implements gorm's schema.GormDataTypeInterface.
func (Millis) GormDataType() string { return "bigint" }

// Value implements [driver.Valuer].
func (m Millis) Value() (driver.Value, error) {
	if m == 0 {
		return nil, nil
	}
	return int64(m), nil
}

// Scan implements [database/sql.Scanner].
func (m *Millis) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*m = 0
	case int64:
		*m = Millis(v)
	default:
		return fmt.Errorf("an instant is an integer of milliseconds, not %T", src)
	}
	return nil
}
