package board

// rows are the rows of the board, the most important first.
func rows() []row {
	return []row{
		{"Now", []panel{
			number("Jobs", "sum(max by (state) (<"+JobsByState+">))", "Jobs that are registered."),
			number("Failing", "sum(max by ("+LabelJob+") (<"+JobFailing+">)) or vector(0)", "Jobs whose last run failed or was interrupted."),
			number("Paused", "sum(max by ("+LabelJob+") (<"+JobPaused+">)) or vector(0)", "Jobs that are paused."),
			number("Running", "sum(<"+RunsRunning+">)", "Runs whose function is being called."),
			number("Waiting", "sum(<"+RunsWaiting+">)", "Runs that wait for a worker, their turn, their group or their next attempt."),
			number("Overdue", "sum(<"+RunsOverdue+">)", "Runs that are still active after their timeout or cancellation."),
		}},
		{"Runs", []panel{
			graph("Runs ended", "ops", "By outcome.", query{"sum by (" + LabelOutcome + ") (rate(<" + RunsTotal + ">[$__rate_interval]))", "{{outcome}}"}),
			graph("Failures", "none", "By job and cause.", query{"sum by (" + LabelJob + ", " + LabelCause + ") (increase(<" + RunsTotal + `{` + LabelOutcome + `=~"failed|interrupted"}>[$__rate_interval])) > 0`, "{{job_name}}: {{cause}}"}),
			graph("Retried attempts", "ops", "", query{"sum by (" + LabelJob + ") (rate(<" + RetriesTotal + ">[$__rate_interval])) > 0", "{{job_name}}"}),
			graph("Functions that ignore their context", "none", "Attempts that continued after their timeout or cancellation.",
				query{"sum by (" + LabelJob + ") (increase(<" + UnheedingTotal + ">[$__rate_interval])) > 0", "{{job_name}}"}),
			graph("Duration", "s", "Of all chosen jobs.", quantiles(RunDuration)...),
			graph("Slowest jobs", "s", "95th percentile.", query{"topk(10, histogram_quantile(0.95, sum by (le, " + LabelJob + ") (rate(<" + RunDuration + "_bucket>[$__rate_interval]))))", "{{job_name}}"}),
			graph("Lateness of starts", "s", "From the slot to the call of the function.", quantiles(StartLateness)...),
			graph("Running and waiting", "none", "", query{"sum(<" + RunsRunning + ">)", "running"}, query{"sum(<" + RunsWaiting + ">)", "waiting"}, query{"sum(<" + RunsOverdue + ">)", "overdue"}),
			graph("Skipped", "none", "By reason.", query{"sum by (" + LabelReason + ") (increase(<" + SkippedTotal + ">[$__rate_interval]))", "{{reason}}"}),
			graph("Catching up", "none", "Outcomes of missed slots.", query{"sum by (" + LabelResult + ") (increase(<" + CatchUpTotal + ">[$__rate_interval]))", "{{result}}"}),
		}},
		{"Schedules", []panel{
			graph("Longest without a success", "s", "", query{"topk(10, max by (" + LabelJob + ") (<" + SinceSuccess + ">))", "{{job_name}}"}),
			graph("Without a success, in slots", "none", "Time since the last success by the longest time between two slots: above 2 a job has certainly missed one.",
				query{"topk(10, max by (" + LabelJob + ") (<" + SinceSuccess + ">) / (max by (" + LabelJob + ") (<" + SlotGap + ">) > 0))", "{{job_name}}"}),
			graph("Until the next slot", "s", "", query{"bottomk(10, min by (" + LabelJob + ") (<" + UntilNext + ">))", "{{job_name}}"}),
		}},
		{"Scheduler", []panel{
			graph("Workers", "none", "", query{"<" + WorkersBusy + ">", "busy {{instance}}"}, query{"<" + Workers + ">", "all {{instance}}"}),
			graph("Claims", "ops", "Won by this process, lost to another, or refused by the store.", query{"sum by (" + LabelResult + ") (rate(<" + ClaimsTotal + ">[$__rate_interval]))", "{{result}}"}),
			graph("Time of a claim", "s", "", quantiles(ClaimDuration)...),
			graph("Time since the last clock check", "s", "The clock is checked every second.", query{"<" + SinceTick + ">", "{{instance}}"}),
		}},
		{"Store", []panel{
			graph("Commits", "s", "", quantiles(CommitDuration)...),
			graph("Calls in a commit", "none", "On average.", query{"sum(rate(<" + CommitCalls + "_sum>[$__rate_interval])) / sum(rate(<" + CommitCalls + "_count>[$__rate_interval]))", "calls"}),
			graph("Waiting to be written", "none", "", query{"<" + StoreQueue + ">", "{{instance}}"}),
			graph("Refused by the database", "none", "", query{"sum(increase(<" + CommitErrors + ">[$__rate_interval]))", "commits"}),
			graph("Answers", "none", "1 when the store answered.", query{"<" + StoreUp + ">", "{{instance}}"}),
		}},
		{"Web", []panel{
			graph("Requests", "reqps", "By route.", query{"sum by (" + LabelRoute + ") (rate(<" + RequestsTotal + ">[$__rate_interval]))", "{{route}}"}),
			graph("Errors", "reqps", "By route and status.", query{"sum by (" + LabelRoute + ", " + LabelCode + ") (rate(<" + RequestsTotal + "{" + LabelCode + `=~"5.."}>[$__rate_interval])) > 0`, "{{route}} {{code}}"}),
			graph("Time to the answer", "s", "95th percentile, by route.", query{"histogram_quantile(0.95, sum by (le, " + LabelRoute + ") (rate(<" + RequestDuration + "_bucket>[$__rate_interval])))", "{{route}}"}),
		}},
		{"Process", []panel{
			graph("CPU", "percentunit", "", query{"rate(<process_cpu_seconds_total>[$__rate_interval])", "{{instance}}"}),
			graph("Memory", "bytes", "", query{"<process_resident_memory_bytes>", "resident {{instance}}"}, query{"<go_memstats_heap_inuse_bytes>", "heap {{instance}}"}),
			graph("Goroutines", "none", "", query{"<go_goroutines>", "{{instance}}"}),
			graph("Open files", "none", "", query{"<process_open_fds>", "{{instance}}"}),
			{title: "Version", unit: "none", number: true, width: 8, queries: []query{{"count by (" + LabelVersion + ") (<" + BuildInfo + ">)", "{{version}}"}}},
		}},
	}
}

func number(title, expr, about string) panel {
	return panel{title: title, unit: "none", about: about, number: true, width: 4, queries: []query{{expr, ""}}}
}

func graph(title, unit, about string, queries ...query) panel {
	return panel{title: title, unit: unit, about: about, queries: queries}
}

// quantiles are those of a histogram over all that is chosen.
func quantiles(name string) (list []query) {
	for _, q := range []struct{ at, legend string }{{"0.5", "median"}, {"0.95", "95 %"}, {"0.99", "99 %"}} {
		list = append(list, query{"histogram_quantile(" + q.at + ", sum by (le) (rate(<" + name + "_bucket>[$__rate_interval])))", q.legend})
	}
	return list
}
