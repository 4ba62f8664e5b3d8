package env

import (
	"cmp"
	"slices"
	"strings"
)

// settings are the values as text, and which of them come from the file.
type settings struct {
	known  []Variable
	raw    map[string]string
	inFile map[string]bool
	file   string
}

// tidy trims values and drops empty ones: compose files and shells pass NAME= for "not set".
func (s settings) tidy() {
	for name, value := range s.raw {
		if value = strings.TrimSpace(value); value == "" {
			delete(s.raw, name)
		} else {
			s.raw[name] = value
		}
	}
}

// inOrder sorts mistakes in the order of .env.example.
func (s settings) inOrder(found []Mistake) {
	place := make(map[string]int)
	for i, v := range s.known {
		place[v.Name] = i
	}
	slices.SortStableFunc(found, func(a, b Mistake) int { return cmp.Compare(place[a.Variable], place[b.Variable]) })
}

// mistake returns a Mistake about v. An empty remedy stands for the variable's own.
func (s settings) mistake(v Variable, what, remedy string) Mistake {
	if remedy == "" {
		remedy = v.remedy()
	}
	value, isSet := s.raw[v.Name]
	if !isSet {
		value = v.Default
	}
	m := Mistake{Variable: v.Name, Value: quoted(value), Problem: what, Remedy: remedy}
	if v.Secret {
		m.Value = hidden
	}
	if s.inFile[v.Name] && isSet {
		m.File = s.file
	}
	return m
}

// ofOpenTelemetry returns OpenTelemetry's variables, or nil.
func (s settings) ofOpenTelemetry() (list map[string]Secret) {
	for name, value := range s.raw {
		if strings.HasPrefix(name, "OTEL_") {
			if list == nil {
				list = make(map[string]Secret)
			}
			list[name] = Secret(value)
		}
	}
	return list
}
