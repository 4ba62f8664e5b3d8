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

// Steps is steps of trees whose files have these texts.
func Steps(old, next map[string]string) []string {
	of := func(texts map[string]string) tree {
		t := tree{}
		for name, text := range texts {
			t[name] = file{text: []byte(text)}
		}
		return t
	}
	return steps(of(old), of(next))
}
