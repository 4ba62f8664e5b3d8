package models

import (
	"time"

	"fibercrons/app/store/row"
)

// JobRun is a run: table job_runs.
type JobRun = row.JobRun

// JobSchedule is a stored schedule: table job_schedules.
type JobSchedule = row.JobSchedule

// RunLog is a line of a run's log: table job_run_logs.
type RunLog = row.RunLog

// Instance is a process: table job_instances.
type Instance = row.Instance

// AuditEntry is a change that a person or a program made: table job_audit.
type AuditEntry = row.AuditEntry

// Alert is what was told of a run: table job_alerts.
type Alert = row.Alert

// AlertDelivery is an alert on its way through a channel: table job_alert_deliveries.
type AlertDelivery = row.AlertDelivery

// Silence keeps the alerts of a job from being sent: table job_silences.
type Silence = row.Silence

// Millis is an instant in UTC milliseconds since 1970. Zero means that there is none, and is NULL in the database.
type Millis = row.Millis

// MillisOf returns t as it is kept; of the zero time 0.
func MillisOf(t time.Time) Millis { return row.MillisOf(t) }

// Migration is a step by which your own tables come to be, or change.
type Migration = row.Migration
