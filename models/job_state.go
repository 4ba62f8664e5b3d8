package models

import "fibercrons/app/store/row"

// JobState is what is kept about a job besides its runs: table job_state.
type JobState = row.JobState
