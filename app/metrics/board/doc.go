// Package board knows the names of all metrics, and makes what reads them: a Grafana board and alert rules for
// Prometheus. It needs no Prometheus itself, so `cli export` works in a program that is built without metrics.
package board
