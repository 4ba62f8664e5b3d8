package env

// checker collects mistakes, only the first for each variable.
type checker struct {
	settings
	known map[string]Variable
	bad   map[string]bool
	found []Mistake
}

func (k *checker) refuse(wrong bool, name, what, remedy string) {
	if wrong && k.good(name) {
		k.bad[name] = true
		k.found = append(k.found, k.mistake(k.known[name], what, remedy))
	}
}

func (k *checker) good(name string) bool { return !k.bad[name] }

const (
	shortestToken = 16
	makeToken     = "make one with: openssl rand -hex 32"
)
