// Package template knows which files of a program are the template's, and brings those of a newer version in.
//
// An update replaces what is ours, merges the few files that are also the user's, and leaves the rest alone. For both it
// needs the base: the version that the program has. Init, rename and update record it in app/template.json; for a program
// from before that file, the commit of the template's history that fits is looked up.
//
// Texts are compared in the template's words: the program's module path is replaced by the template's before, and put in
// again afterwards. So a record holds for the program under any path.
//
// [Update] does everything in a copy of the program inside its folder, .update, and verifies that the copy builds. Only
// then the files change places, by renames, which are taken back when one fails. An error leaves the program as it was.
//
// # Files, in reading order
//
//	ours.go ours.txt     what is ours, what is merged
//	tree.go archive.go   the template's files: of a folder, of a zip, of a commit
//	history.go           the commits of a git repository
//	fetch.go             a version of the template, from a URL, a folder or a zip
//	record.go base.go    the version a program has, and what was edited since
//	merge.go gomod.go    three-way merges
//	changelog.go         the entries and the schema steps that are new
//	stage.go swap.go     the copy, its verification, and its way into place
//	update.go            all of it
//	begin.go             a program of one's own from a fresh copy of the template
package template
