package env

import (
	"regexp"
	"strings"
	"unicode"
)

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)

// statement is one NAME=value of a .env file.
type statement struct {
	name  string
	line  int    // where it begins, from 1
	quote byte   // ' or ", or 0
	raw   string // the value as written, without its quotes, or without its comment
	after bool   // white space stands before an unquoted value
}

// statements finds the same statements as godotenv, with stricter rules: a name must be valid, and nothing may follow a
// closing quote. broken is the line of the first invalid statement, or 0.
func statements(text string) (list []statement, broken int) {
	line := 1
	for {
		rest := strings.TrimLeftFunc(text, unicode.IsSpace)
		line += strings.Count(text[:len(text)-len(rest)], "\n")
		if text = rest; text == "" {
			return list, 0
		}
		if text[0] == '#' {
			end := strings.IndexByte(text, '\n')
			if end < 0 {
				return list, 0
			}
			text = text[end:]
			continue
		}
		s := statement{line: line}
		end := strings.IndexAny(text, "=:\n")
		if end < 0 || text[end] == '\n' {
			return list, line
		}
		s.name = text[:end]
		if exported, ok := strings.CutPrefix(s.name, "export"); ok && strings.TrimLeftFunc(exported, blank) != exported {
			s.name = exported
		}
		s.name = strings.TrimFunc(s.name, blank)
		value := strings.TrimLeftFunc(text[end+1:], blank)
		s.after = len(value) < len(text)-end-1
		// godotenv also accepts YAML's NAME: value. Without the space the colon is part of something else, such as a
		// URL.
		if !variableName.MatchString(s.name) || text[end] == ':' && !s.after {
			return list, line
		}
		var ok bool
		if text, ok = s.read(value); !ok {
			return list, line
		}
		list = append(list, s)
		line += strings.Count(value[:len(value)-len(text)], "\n")
	}
}

// read takes the value at the start of text, and returns the rest.
func (s *statement) read(text string) (rest string, ok bool) {
	if text == "" || text[0] != '\'' && text[0] != '"' {
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			end = len(text)
		}
		s.raw = text[:end]
		for i := len(s.raw) - 1; i > 0; i-- {
			if s.raw[i] == '#' && strings.TrimRightFunc(s.raw[:i], blank) != s.raw[:i] {
				s.raw = s.raw[:i]
				break
			}
		}
		s.raw = strings.TrimFunc(s.raw, blank)
		return text[end:], true
	}
	s.quote = text[0]
	for i := 1; i < len(text); i++ {
		if text[i] != s.quote || text[i-1] == '\\' {
			continue
		}
		s.raw, rest = text[1:i], text[i+1:]
		behind, _, _ := strings.Cut(rest, "\n")
		behind = strings.TrimSpace(behind)
		return rest, behind == "" || behind[0] == '#'
	}
	return "", false
}

// blank reports whether godotenv treats r as white space inside a line.
func blank(r rune) bool { return strings.ContainsRune("\t\v\f\r \u0085\u00a0", r) }

// expansion matches what godotenv replaces.
var expansion = regexp.MustCompile(`(\\)?\$(\()?(\{)?([A-Z0-9_]+)?(\})?`)

const singleQuotes = "put '...' around the value"

// loses says which part of the value godotenv would change, and the remedy. set are the variables above it.
func (s statement) loses(set map[string]statement) (lost, remedy string) {
	if s.quote == 0 && s.after && strings.HasPrefix(s.raw, "#") {
		return "unclear: an empty value with a comment, or a value that begins with #", "move the comment to a line of its own, or " + singleQuotes
	}
	if s.quote == '\'' {
		if strings.Contains(s.raw, `\'`) {
			return `holds \' between single quotes, where the backslash stays`, `put "..." around the value`
		}
		return "", ""
	}
	if s.quote == '"' {
		if strings.HasPrefix(s.raw, `\"`) || strings.HasSuffix(s.raw, `\"`) {
			return `begins or ends with \", which would be cut off like the quote`, singleQuotes
		}
		for i := 0; i < len(s.raw); i++ {
			if s.raw[i] != '\\' {
				continue
			}
			if i++; i == len(s.raw) || !strings.ContainsRune(`nr"'\$`, rune(s.raw[i])) {
				return `holds a backslash that would be lost: between double quotes there are \n, \r, \", \\ and \$`, singleQuotes + `, or write \\`
			}
		}
	}
	for _, m := range expansion.FindAllStringSubmatch(s.raw, -1) {
		escaped, command, open, name, closed := m[1] != "", m[2] != "", m[3] != "", m[4], m[5] != ""
		switch {
		case escaped:
		case command:
			return "holds $(...), but commands are not run here", singleQuotes
		case name == "":
		case open != closed:
			return "holds a $ whose braces would be lost: only $NAME and ${NAME} are replaced", singleQuotes
		default:
			if _, ok := set[name]; !ok {
				return "holds a $ that expands to nothing: no variable of that name is set above it in this file", singleQuotes + " to keep the $"
			}
		}
	}
	return "", ""
}
