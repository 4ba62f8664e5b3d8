// Package alerts keeps alerts, their deliveries and silences in the database. [Store] implements those parts of
// alert.Store. The writes go through the store's writer, like all others: [Database] is what this package needs of the
// store.
//
// Any process may raise, gather and deliver. The unique keys of the tables decide who was first, and a delivery belongs
// to whoever holds its token until the lease ends. A write may be carried out again after a lost acknowledgement, and
// then recognises its own work.
//
// store.go and alerts.go come first; raise.go, send.go and prune.go follow the life of an alert. silences.go stands
// alone.
package alerts
