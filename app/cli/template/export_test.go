package template

// ForTest lets tests look inside.
var (
	Merge3    = merge3
	MergeMod  = mergeMod
	News      = news
	Moved     = moved
	StageName = stageName
)

// FailRename lets the n-th move of a swap fail, and returns what puts that right.
func FailRename(n int, err error) (restore func()) {
	real := rename
	rename = func(from, to string) error {
		if n--; n == 0 {
			return err
		}
		return real(from, to)
	}
	return func() { rename = real }
}
