package models

// Migrations make your own tables; see the package comment. They run once each, in this order.
var Migrations = []Migration{}
