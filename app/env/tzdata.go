package env

// TZData says which time-zone data decides when slots are.
type TZData string

// The values of CRON_TZDATA.
const (
	// TZEmbedded is the data of the build, the same on every machine.
	TZEmbedded TZData = "embedded"
	// TZHost is the machine's, and the build's for zones that the machine lacks.
	TZHost TZData = "host"
)

// UnmarshalText accepts embedded and host in any case.
func (z *TZData) UnmarshalText(text []byte) error { return oneOf(z, text, TZEmbedded, TZHost) }
