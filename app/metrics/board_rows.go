package metrics

// rows are the rows of the board, the most important first.
func rows() []row {
	return []row{
		{"Now", []panel{
			number("Jobs", "sum(max by (state) (<"+jobsByState+">))", "Jobs that are registered."),
			number("Failing", "sum(max by ("+labelJob+") (<"+jobFailing+">)) or vector(0)", "Jobs whose last run failed or was interrupted."),
			number("Paused", "sum(max by ("+labelJob+") (<"+jobPaused+">)) or vector(0)", "Jobs that are paused."),
			number("Running", "sum(<"+runsRunning+">)", "Runs whose function is being called."),
			number("Waiting", "sum(<"+runsWaiting+">)", "Runs that wait for a worker, their turn, their group or their next attempt."),
			number("Overdue", "sum(<"+runsOverdue+">)", "Runs that are still active after their timeout or cancellation."),
		}},
		{"Runs", []panel{
			graph("Runs ended", "ops", "By outcome.", query{"sum by (" + labelOutcome + ") (rate(<" + runsTotal + ">[$__rate_interval]))", "{{outcome}}"}),
			graph("Failures", "none", "By job and cause.", query{"sum by (" + labelJob + ", " + labelCause + ") (increase(<" + runsTotal + `{` + labelOutcome + `=~"failed|interrupted"}>[$__rate_interval])) > 0`, "{{job_name}}: {{cause}}"}),
			graph("Retried attempts", "ops", "", query{"sum by (" + labelJob + ") (rate(<" + retriesTotal + ">[$__rate_interval])) > 0", "{{job_name}}"}),
			graph("Functions that ignore their context", "none", "Attempts that continued after their timeout or cancellation.",
				query{"sum by (" + labelJob + ") (increase(<" + unheedingTotal + ">[$__rate_interval])) > 0", "{{job_name}}"}),
			graph("Duration", "s", "Of all chosen jobs.", quantiles(runDuration)...),
			graph("Slowest jobs", "s", "95th percentile.", query{"topk(10, histogram_quantile(0.95, sum by (le, " + labelJob + ") (rate(<" + runDuration + "_bucket>[$__rate_interval]))))", "{{job_name}}"}),
			graph("Lateness of starts", "s", "From the slot to the call of the function.", quantiles(startLateness)...),
			graph("Running and waiting", "none", "", query{"sum(<" + runsRunning + ">)", "running"}, query{"sum(<" + runsWaiting + ">)", "waiting"}, query{"sum(<" + runsOverdue + ">)", "overdue"}),
			graph("Skipped", "none", "By reason.", query{"sum by (" + labelReason + ") (increase(<" + skippedTotal + ">[$__rate_interval]))", "{{reason}}"}),
			graph("Catching up", "none", "Outcomes of missed slots.", query{"sum by (" + labelResult + ") (increase(<" + catchUpTotal + ">[$__rate_interval]))", "{{result}}"}),
		}},
		{"Schedules", []panel{
			graph("Longest without a success", "s", "", query{"topk(10, max by (" + labelJob + ") (<" + sinceSuccess + ">))", "{{job_name}}"}),
			graph("Without a success, in slots", "none", "Time since the last success by the longest time between two slots: above 2 a job has certainly missed one.",
				query{"topk(10, max by (" + labelJob + ") (<" + sinceSuccess + ">) / (max by (" + labelJob + ") (<" + slotGap + ">) > 0))", "{{job_name}}"}),
			graph("Until the next slot", "s", "", query{"bottomk(10, min by (" + labelJob + ") (<" + untilNext + ">))", "{{job_name}}"}),
		}},
		{"Scheduler", []panel{
			graph("Workers", "none", "", query{"<" + workersBusy + ">", "busy {{instance}}"}, query{"<" + workers + ">", "all {{instance}}"}),
			graph("Claims", "ops", "Won by this process, lost to another, or refused by the store.", query{"sum by (" + labelResult + ") (rate(<" + claimsTotal + ">[$__rate_interval]))", "{{result}}"}),
			graph("Time of a claim", "s", "", quantiles(claimDuration)...),
			graph("Time since the last clock check", "s", "The clock is checked every second.", query{"<" + sinceTick + ">", "{{instance}}"}),
		}},
		{"Store", []panel{
			graph("Commits", "s", "", quantiles(commitDuration)...),
			graph("Calls in a commit", "none", "On average.", query{"sum(rate(<" + commitCalls + "_sum>[$__rate_interval])) / sum(rate(<" + commitCalls + "_count>[$__rate_interval]))", "calls"}),
			graph("Waiting to be written", "none", "", query{"<" + storeQueue + ">", "{{instance}}"}),
			graph("Refused by the database", "none", "", query{"sum(increase(<" + commitErrors + ">[$__rate_interval]))", "commits"}),
			graph("Answers", "none", "1 when the store answered.", query{"<" + storeUp + ">", "{{instance}}"}),
		}},
		{"Web", []panel{
			graph("Requests", "reqps", "By route.", query{"sum by (" + labelRoute + ") (rate(<" + requestsTotal + ">[$__rate_interval]))", "{{route}}"}),
			graph("Errors", "reqps", "By route and status.", query{"sum by (" + labelRoute + ", " + labelCode + ") (rate(<" + requestsTotal + "{" + labelCode + `=~"5.."}>[$__rate_interval])) > 0`, "{{route}} {{code}}"}),
			graph("Time to the answer", "s", "95th percentile, by route.", query{"histogram_quantile(0.95, sum by (le, " + labelRoute + ") (rate(<" + requestDuration + "_bucket>[$__rate_interval])))", "{{route}}"}),
		}},
		{"Process", []panel{
			graph("CPU", "percentunit", "", query{"rate(<process_cpu_seconds_total>[$__rate_interval])", "{{instance}}"}),
			graph("Memory", "bytes", "", query{"<process_resident_memory_bytes>", "resident {{instance}}"}, query{"<go_memstats_heap_inuse_bytes>", "heap {{instance}}"}),
			graph("Goroutines", "none", "", query{"<go_goroutines>", "{{instance}}"}),
			graph("Open files", "none", "", query{"<process_open_fds>", "{{instance}}"}),
			{title: "Version", unit: "none", number: true, width: 8, queries: []query{{"count by (" + labelVersion + ") (<" + buildInfo + ">)", "{{version}}"}}},
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
