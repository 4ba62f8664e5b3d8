package env

// TZData says which time-zone data is used to compute slots.
type TZData string

// The values of CRON_TZDATA.
const (
	// TZEmbedded is the build's data, the same on every machine.
	TZEmbedded TZData = "embedded"
	// TZHost is the machine's data, or the build's for zones that the machine lacks.
	TZHost TZData = "host"
)

// UnmarshalText accepts embedded and host in any case.
func (z *TZData) UnmarshalText(text []byte) error { return oneOf(z, text, TZEmbedded, TZHost) }
