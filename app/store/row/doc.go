// Package row has the rows of the template's own tables, as gorm models, one per file.
package row
