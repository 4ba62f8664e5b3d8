package env

// Read lets tests read a struct such as a struct of the user's from values.
func Read(dst any, values map[string]string) []Mistake {
	s := settings{raw: values}
	s.tidy()
	return s.read(dst)
}

// Nearest lets tests see which name is offered for a misspelt one.
var Nearest = nearest
