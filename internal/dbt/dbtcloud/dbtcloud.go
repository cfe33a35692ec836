// Package dbtcloud asks the Administrative API of dbt Cloud, version 2, for the runs of jobs and what they leave.
//
// https://docs.getdbt.com/dbt-cloud/api-v2 describes it. The README beside says what was taken from where.
package dbtcloud

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/httpx"
)

// answerTime is how long dbt Cloud may take to begin an answer, and mostAnswer how long one other than an artifact
// may be.
const (
	answerTime = 30 * time.Second
	mostAnswer = 16 << 20
)

// Client asks for one account.
type Client struct {
	Base      string // the access URL, such as https://cloud.getdbt.com
	Token     string
	Account   string
	Transport http.RoundTripper
}

// Status is how a run stands.
type Status int

// The states of runs that are over.
const (
	StatusSuccess   Status = 10
	StatusError     Status = 20
	StatusCancelled Status = 30
)

// Run is one run of a job.
type Run struct {
	ID         int64  `json:"id"`
	Status     Status `json:"status"`
	FinishedAt string `json:"finished_at"`
	URL        string `json:"href"`
}

// Over reports whether the run has ended.
func (r Run) Over() bool {
	return r.Status == StatusSuccess || r.Status == StatusError || r.Status == StatusCancelled
}

// Runs returns the newest runs of a job, the newest first.
func (c Client) Runs(ctx context.Context, job string, limit int) ([]Run, error) {
	query := url.Values{"job_definition_id": {job}, "order_by": {"-id"}, "limit": {strconv.Itoa(limit)}}
	var answer struct {
		Data []Run `json:"data"`
	}
	err := c.get(ctx, "runs/?"+query.Encode(), &answer)
	return answer.Data, err
}

// Job is what is known of a job.
type Job struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Jobs lists the jobs of the account.
func (c Client) Jobs(ctx context.Context) ([]Job, error) {
	const pageSize = 100
	var all []Job
	for {
		var answer struct {
			Data []Job `json:"data"`
		}
		query := url.Values{"limit": {strconv.Itoa(pageSize)}, "offset": {strconv.Itoa(len(all))}}
		if err := c.get(ctx, "jobs/?"+query.Encode(), &answer); err != nil {
			return nil, err
		}
		all = append(all, answer.Data...)
		if len(answer.Data) < pageSize {
			return all, nil
		}
	}
}

// Artifact returns a file that a run left; none is fault.CodeNotFound. The caller closes it.
func (c Client) Artifact(ctx context.Context, run int64, name string) (io.ReadCloser, error) {
	res, err := c.ask(ctx, fmt.Sprintf("runs/%d/artifacts/%s", run, name))
	if err != nil {
		return nil, err
	}
	return res.Body, nil
}

func (c Client) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	res, err := c.ask(ctx, path)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	if err := json.NewDecoder(io.LimitReader(res.Body, mostAnswer)).Decode(into); err != nil {
		return fault.Reclass(fault.Wrap(err, fault.CodeDBTCloud, "dbt Cloud's answer cannot be read"), fault.Retryable)
	}
	return nil
}

func (c Client) ask(ctx context.Context, path string) (*http.Response, error) {
	address := strings.TrimRight(c.Base, "/") + "/api/v2/accounts/" + url.PathEscape(c.Account) + "/" + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeInvalid, "the address of dbt Cloud")
	}
	req.Header.Set("Authorization", "Token "+c.Token)
	req.Header.Set("Accept", "application/json")
	res, err := (&http.Client{Transport: c.Transport}).Do(req)
	if err != nil {
		return nil, fault.Reclass(fault.Wrap(err, fault.CodeDBTCloud, "dbt Cloud was not reached"), fault.Retryable)
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer res.Body.Close() //nolint:errcheck // a body that was read
	return nil, refused(res)
}

// refused says what an answer means that is not the one that was asked for.
func refused(res *http.Response) error {
	var body struct {
		Status struct {
			User string `json:"user_message"`
		} `json:"status"`
	}
	_ = json.NewDecoder(io.LimitReader(res.Body, mostAnswer)).Decode(&body) //nolint:errcheck // what is no JSON says nothing
	said := ""
	if body.Status.User != "" {
		said = ": " + body.Status.User
	}
	switch res.StatusCode {
	case http.StatusUnauthorized:
		return fault.New(fault.CodeDBTCloud, "dbt Cloud does not accept the token%s", said).WithSuggestion("Make a service token in dbt Cloud's account settings, and put it into the project. The base URL must be that of the account.")
	case http.StatusForbidden:
		return fault.New(fault.CodeDBTCloud, "the token may not read this in dbt Cloud%s", said).WithSuggestion("Give the token at least the permission set Member, for the project of the job.")
	case http.StatusNotFound:
		return fault.New(fault.CodeNotFound, "dbt Cloud does not have this%s", said).WithSuggestion("Check the account's and the job's number, and the base URL: each region has its own.")
	case http.StatusTooManyRequests:
		after, _ := httpx.RetryAfter(res.Header, time.Now())
		return fault.RetryAfter(fault.New(fault.CodeDBTCloud, "dbt Cloud asks to wait%s", said), after)
	default:
		e := fault.New(fault.CodeDBTCloud, "dbt Cloud answers %s%s", res.Status, said)
		if res.StatusCode >= http.StatusInternalServerError {
			return fault.Reclass(e, fault.Retryable)
		}
		return e
	}
}
