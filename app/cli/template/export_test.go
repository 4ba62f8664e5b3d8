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
	return failRenames(func(at int) bool { return at == n }, err)
}

// FailRenamesFrom lets the n-th move and all after it fail, so that none is taken back either.
func FailRenamesFrom(n int, err error) (restore func()) {
	return failRenames(func(at int) bool { return at >= n }, err)
}

// OnRename has do called before each move of a swap, and returns what puts that right.
func OnRename(do func()) (restore func()) {
	return failRenames(func(int) bool { do(); return false }, nil)
}

func failRenames(fails func(at int) bool, err error) (restore func()) {
	real, at := rename, 0
	rename = func(from, to string) error {
		if at++; fails(at) {
			return err
		}
		return real(from, to)
	}
	return func() { rename = real }
}

// FailRemove lets the removal of the stage fail, and returns what puts that right.
func FailRemove(err error) (restore func()) {
	real := removeAll
	removeAll = func(string) error { return err }
	return func() { removeAll = real }
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
