package sqlite

import "errors"

// Explain is what is said of a result code of SQLite about a file.
func Explain(path string, code int) string {
	return explain(path, code, errors.New("disk I/O error")).Error()
}
