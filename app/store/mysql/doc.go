// Package mysql has the store on a database of MySQL 8.0.16 or MariaDB 10.6, or newer. A program that imports it takes
// mysql:// and mariadb:// URLs; without it the driver is not in the build.
//
//   - Each of the store's connections sets what it needs for its session. Proxies of MySQL keep the state of a session
//     with its client.
//   - A commit is on the disk, unless the server's operator set innodb_flush_log_at_trx_commit to something else: then
//     the last second may be lost.
//   - MySQL has locks of a session only (GET_LOCK): that of a migration is held on a connection of its own for one step,
//     released on the same one, and ends with it. Each change of a table commits by itself, so a step is noted when it
//     begins and can be carried out again.
//   - There is no cheap way to see whether anything has changed.
//   - A connection to a server that has become read-only is not used again (conn.go).
//
// On a pool that another program lends, connections are set up in the same way, and closed instead of given back. What
// the driver's parameters decide cannot be set from here, and is checked at the start: interpolateParams and
// columnsWithAlias.
//
// # Files, in reading order
//
//   - mysql.go: the dialect: connections, checks at the start, locks, the clock.
//   - sql.go: statements and migrations. params.go: the parameters of a URL.
//   - conn.go: connections that are given up with their server. errors.go: what its errors mean.
package mysql
