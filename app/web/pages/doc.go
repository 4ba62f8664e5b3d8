// Package pages has the handlers of the dashboard and the login. Package dashboard makes the HTML.
//
// A page asks the scheduler and, for many jobs at once, the store. A form makes the same call as its counterpart in
// the API and redirects to a page. A foreign page could send a form as well, so the guard accepts one only from a browser
// that says that a page of ours sent it.
//
// # Files, in reading order
//
//	routes.go                              which path has which handler and role
//	overview.go jobs.go job.go run.go timeline.go people.go alerts.go   pages, each with its forms
//	schedules.go scheduleform.go           stored schedules; the form that makes and changes them
//	login.go                               the login, with the files in login/
//	show.go form.go                        writing a page, reading a form
//	pages.go day.go                        the type; counts of the last day
package pages
