package env

import (
	"os"
	"strings"
)

// Read lets tests read a struct such as a struct of the user's from values.
func Read(dst any, values map[string]string) []Mistake {
	s := settings{raw: values}
	s.tidy()
	return s.read(dst)
}

// Nearest lets tests see which name is offered for a misspelt one.
var Nearest = nearest

// ReadFile lets tests compare the values of a file with what is written there. It is not ok if there is a mistake.
func ReadFile(path string) (values, written map[string]string, ok bool) {
	values, _, found := readFile(path)
	if len(found) > 0 {
		return nil, nil, false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	list, _ := statements(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(string(text), "\ufeff")))
	written = make(map[string]string)
	for _, s := range list {
		written[s.name] = s.raw
	}
	return values, written, true
}

// Statements reports whether a text can be read, apart from what godotenv says.
func Statements(text string) bool {
	_, broken := statements(text)
	return broken == 0
}
