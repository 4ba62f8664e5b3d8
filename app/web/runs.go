package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"fibercrons/app/contract"
	"fibercrons/app/cron"

	"github.com/gofiber/fiber/v2"
)

// The longest texts of pages; those of the API are the scheduler's to check.
const (
	longestReason = 500
	longestExpr   = 500
	longestID     = 64 // of runs and events
)

// listRuns answers with runs, newest first: of one job when the path names one, of all otherwise.
// The next page is named by a Link header, whose cursor stays put while new runs come in.
func (s *Server) listRuns(c *fiber.Ctx) error {
	q := queryOf(c)
	query := contract.Query{
		Job: jobName(c),
		Statuses: someOf(q, "status", cron.Queued, cron.Running, cron.Succeeded, cron.Failed,
			cron.Cancelled, cron.Skipped, cron.Interrupted),
		Since:  q.instant("since"),
		Until:  q.instant("until"),
		Before: q.text("before", longestID),
	}
	limit := int(q.number("limit", 1, 500, 50))
	if err := q.err(); err != nil {
		return err
	}
	query.Limit = limit + 1 // one more shows whether there is a next page
	runs, err := s.app.Crons.Records(c.UserContext(), query)
	if err != nil {
		return err
	}
	if len(runs) > limit {
		runs = runs[:limit]
		setNext(c, nextRuns(query, limit, runs[limit-1].ID))
	}
	if runs == nil {
		runs = []cron.Record{}
	}
	return sendTagged(c, runs)
}

func nextRuns(q contract.Query, limit int, before string) url.Values {
	v := url.Values{"before": {before}, "limit": {strconv.Itoa(limit)}}
	if len(q.Statuses) > 0 {
		v.Set("status", joinStatuses(q.Statuses))
	}
	if !q.Since.IsZero() {
		v.Set("since", q.Since.Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.Format(time.RFC3339Nano))
	}
	return v
}

func joinStatuses(statuses []cron.Status) string {
	list := make([]string, len(statuses))
	for i, status := range statuses {
		list[i] = string(status)
	}
	return strings.Join(list, ",")
}

// setNext names the next page (RFC 8288).
func setNext(c *fiber.Ctx, v url.Values) {
	c.Set(fiber.HeaderLink, "<"+c.Path()+"?"+v.Encode()+`>; rel="next"`)
}

// A timeline without ?from= and ?to= shows the last hour and the next one.
const (
	timelineBack  = time.Hour
	timelineAhead = time.Hour
	timelineMost  = 31 * 24 * time.Hour
)

// timeline answers with what ran and what is due between two instants.
func (s *Server) timeline(c *fiber.Ctx) error {
	q, now := queryOf(c), time.Now()
	from, to := q.instant("from"), q.instant("to")
	if from.IsZero() {
		from = now.Add(-timelineBack)
	}
	if to.IsZero() {
		to = now.Add(timelineAhead)
	}
	switch {
	case !from.Before(to):
		q.wrong("to", "must be later than from")
	case to.Sub(from) > timelineMost:
		q.wrong("to", "is more than 31 days after from")
	}
	if err := q.err(); err != nil {
		return err
	}
	timeline, err := s.app.Crons.Timeline(c.UserContext(), from, to)
	if err != nil {
		return err
	}
	return sendJSON(c, fiber.StatusOK, timeline)
}

func (s *Server) showRun(c *fiber.Ctx) error {
	if err := noQuery(c); err != nil {
		return err
	}
	id, err := runID(c)
	if err != nil {
		return err
	}
	run, err := s.app.Crons.Record(c.UserContext(), id)
	if err != nil {
		return err
	}
	return sendTagged(c, run)
}

// showLogs answers with the lines of a run after the one numbered ?after=, oldest first.
func (s *Server) showLogs(c *fiber.Ctx) error {
	q := queryOf(c)
	after := q.number("after", 0, 1<<62, 0)
	limit := int(q.number("limit", 1, 10_000, 1000))
	if err := q.err(); err != nil {
		return err
	}
	id, err := runID(c)
	if err != nil {
		return err
	}
	lines, err := s.app.Crons.Logs(c.UserContext(), id, after, limit+1)
	if err != nil {
		return err
	}
	if len(lines) > limit {
		lines = lines[:limit]
		setNext(c, url.Values{"after": {strconv.FormatInt(lines[limit-1].Seq, 10)}, "limit": {strconv.Itoa(limit)}})
	}
	if lines == nil {
		lines = []cron.LogLine{}
	}
	return sendTagged(c, lines)
}

func (s *Server) cancelRun(c *fiber.Ctx) error {
	id, err := s.changedRun(c)
	if err != nil {
		return err
	}
	run, err := s.by(c).Cancel(c.UserContext(), id)
	if err != nil {
		return err
	}
	if run.Status.Ended() {
		return sendJSON(c, fiber.StatusOK, run)
	}
	return sendJSON(c, fiber.StatusAccepted, run)
}

// retryRun starts a new run with the arguments and the slot of one that has ended.
func (s *Server) retryRun(c *fiber.Ctx) error {
	id, err := s.changedRun(c)
	if err != nil {
		return err
	}
	run, err := s.by(c).Retry(c.UserContext(), id)
	if err != nil {
		return err
	}
	c.Location("/crons/runs/" + run.ID)
	return sendJSON(c, fiber.StatusAccepted, run)
}

// changedRun is the ID of the run that a write without a body is about.
func (s *Server) changedRun(c *fiber.Ctx) (string, error) {
	if err := noQuery(c); err != nil {
		return "", err
	}
	if err := readBody(c); err != nil {
		return "", err
	}
	return runID(c)
}

// runID is the ID as it stands in the path; what cannot be one is not looked for.
func runID(c *fiber.Ctx) (string, error) {
	id := c.Params("id")
	if len(id) > longestID || strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	}) {
		return "", cron.ErrNotFound
	}
	return id, nil
}

// checkText refuses a text that cannot be kept: too long, or with a NUL, which not every database
// takes.
func checkText(at, text string, longest int) error {
	if strings.Contains(text, "\x00") {
		return badRequest(invalid{"body", at, "holds a NUL character"})
	}
	if utf8.RuneCountInString(text) > longest {
		return badRequest(invalid{"body", at, "is longer than " + strconv.Itoa(longest) + " characters"})
	}
	return nil
}
