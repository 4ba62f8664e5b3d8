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

// statements finds what godotenv finds, and is stricter: a name is a name, and nothing stands behind a closing quote.
// The line of the first statement that cannot be read is broken, which is 0 when all can.
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
		// NAME: value is YAML's way, and godotenv's. Without the space it is a part of something else, such as a URL.
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

// read takes the value that text begins with, and returns what follows.
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

// blank is what godotenv takes for white space inside a line.
func blank(r rune) bool { return strings.ContainsRune("\t\v\f\r \u0085\u00a0", r) }

// expansion is what godotenv replaces.
var expansion = regexp.MustCompile(`(\\)?\$(\()?(\{)?([A-Z0-9_]+)?(\})?`)

const singleQuotes = "put '...' around the value"

// loses says what of the value would not arrive as it is written, and the remedy; set are the variables above.
func (s statement) loses(set map[string]statement) (lost, remedy string) {
	if s.quote == 0 && s.after && strings.HasPrefix(s.raw, "#") {
		return "is it empty with a comment, or a value that begins with #", "move the comment to a line of its own, or " + singleQuotes
	}
	if s.quote == '\'' {
		if strings.Contains(s.raw, `\'`) {
			return `holds \' between single quotes, where the backslash stays`, `put "..." around the value`
		}
		return "", ""
	}
	if s.quote == '"' {
		if strings.HasPrefix(s.raw, `\"`) || strings.HasSuffix(s.raw, `\"`) {
			return `begins or ends with \", which is cut off as if it were the quote`, singleQuotes
		}
		for i := 0; i < len(s.raw); i++ {
			if s.raw[i] != '\\' {
				continue
			}
			if i++; i == len(s.raw) || !strings.ContainsRune(`nr"'\$`, rune(s.raw[i])) {
				return `holds a backslash that is lost: between double quotes there are \n, \r, \", \\ and \$`, singleQuotes + `, or write \\`
			}
		}
	}
	for _, m := range expansion.FindAllStringSubmatch(s.raw, -1) {
		escaped, command, open, name, closed := m[1] != "", m[2] != "", m[3] != "", m[4], m[5] != ""
		switch {
		case escaped:
		case command:
			return "holds $(...), and no command is run here", singleQuotes
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
