package fault

import (
	"net/http"
	"slices"
)

// Code names one way to fail, as "area.reason". Codes never change once released.
type Code string

// Info is what is known about a code.
type Info struct {
	Status int    // HTTP status of an answer that carries it
	Exit   int    // exit code of the command line
	Class  Class  // default class
	Hint   string // what to do next, unless the error says something more exact
}

// The codes. Each is documented in docs/reference/errors.md, which is generated from this table.
const (
	CodeInternal        Code = "internal.error"
	CodeInvalid         Code = "input.invalid"
	CodeRequired        Code = "input.required"
	CodeUnknownField    Code = "input.unknown_field"
	CodeMalformed       Code = "input.malformed"
	CodeTooLarge        Code = "input.too_large"
	CodeMethod          Code = "input.method_not_allowed"
	CodeMediaType       Code = "input.media_type"
	CodeNotFound        Code = "resource.not_found"
	CodeConflict        Code = "resource.conflict"
	CodeStale           Code = "resource.stale_revision"
	CodeReferenced      Code = "resource.referenced"
	CodeBadReference    Code = "resource.bad_reference"
	CodeUnauthenticated Code = "access.unauthenticated"
	CodeForbidden       Code = "access.forbidden"
	CodeCSRF            Code = "access.csrf"
	CodeRateLimited     Code = "access.rate_limited"

	CodeSourceUnreachable Code = "source.unreachable"
	CodeSourceAuth        Code = "source.authentication"
	CodeSourceDenied      Code = "source.permission_denied"
	CodeSourceQuery       Code = "source.query_failed"
	CodeSourceTimeout     Code = "source.timeout"
	CodeSourceType        Code = "source.unsupported_type"
	CodeSourceFile        Code = "source.bad_file"

	CodeModelEmpty     Code = "model.empty_result"
	CodeModelKey       Code = "model.primary_key"
	CodeModelColumn    Code = "model.unknown_column"
	CodeModelDuplicate Code = "model.duplicate_key"
	CodeImprecise      Code = "model.imprecise_conversion"
	CodeCast           Code = "model.cast_failed"

	CodeDBTManifest Code = "dbt.bad_manifest"
	CodeDBTMissing  Code = "dbt.no_manifest"
	CodeDBTModel    Code = "dbt.unusable_model"
	CodeDBTCloud    Code = "dbt.cloud"
	CodeDBTCompile  Code = "dbt.compile_failed"

	CodeGit            Code = "git.failed"
	CodeGitAuth        Code = "git.authentication"
	CodeGitMissing     Code = "git.not_found"
	CodeGitUnreachable Code = "git.unreachable"
	CodeGitHostKey     Code = "git.host_key"

	CodeBI Code = "bi.failed"

	CodeOrchestrator Code = "orchestrator.failed"
	CodeSignature    Code = "orchestrator.bad_signature"

	CodeMapping       Code = "mapping.invalid"
	CodeMappingColumn Code = "mapping.unknown_field_name"
	CodeMappingReject Code = "mapping.row_rejected"
	CodeTemplate      Code = "template.error"
	CodeTemplateLimit Code = "template.limit"

	CodeDestinationUnreachable Code = "destination.unreachable"
	CodeDestinationAuth        Code = "destination.authentication"
	CodeDestinationGrant       Code = "destination.authorization_lost"
	CodeDestinationDenied      Code = "destination.permission_denied"
	CodeDestinationRejected    Code = "destination.rejected"
	CodeDestinationTooLarge    Code = "destination.too_large"
	CodeDestinationThrottled   Code = "destination.throttled"
	CodeDestinationTimeout     Code = "destination.timeout"
	CodeDestinationAnswer      Code = "destination.bad_answer"
	CodeDestinationSchema      Code = "destination.schema"
	CodeDestinationUnknown     Code = "destination.unknown_outcome"

	CodeRunFenced     Code = "run.fenced"
	CodeRunCancelled  Code = "run.cancelled"
	CodeRunBaseline   Code = "run.baseline_missing"
	CodeRunKeyChanged Code = "run.primary_key_changed"
	CodeRunUntestable Code = "run.untestable"
	CodeRunMoved      Code = "run.storage_moved"
	CodeRunExpired    Code = "run.baseline_expired"

	CodeStorageUnreachable Code = "storage.unreachable"
	CodeStorageAuth        Code = "storage.authentication"
	CodeStorageDenied      Code = "storage.permission_denied"
	CodeStorageMissing     Code = "storage.no_such_bucket"
	CodeStorageInUse       Code = "storage.in_use"
	CodeStorageLocked      Code = "storage.locked"

	CodeSequenceStopped Code = "sequence.stopped"

	CodeTunnelUnreachable Code = "tunnel.unreachable"
	CodeTunnelAuth        Code = "tunnel.authentication"
	CodeTunnelHostKey     Code = "tunnel.host_key"
	CodeTunnelForward     Code = "tunnel.forward_refused"
	CodeTunnelClosed      Code = "tunnel.not_connected"

	CodeCredential     Code = "credential.refused"     //nolint:gosec // the name of an error
	CodeCredentialDown Code = "credential.unreachable" //nolint:gosec // the name of an error

	CodeNoticeAuth        Code = "notice.authentication"
	CodeNoticeRefused     Code = "notice.refused"
	CodeNoticeThrottled   Code = "notice.throttled"
	CodeNoticeUnreachable Code = "notice.unreachable"
	CodeNoticeMail        Code = "notice.mail_server"

	CodeStorage    Code = "storage.error"
	CodeDiskFull   Code = "storage.disk_full"
	CodeSecret     Code = "secret.error"
	CodeConfig     Code = "config.invalid"
	CodeHomeLocked Code = "config.home_locked"
)

var codes = map[Code]Info{
	CodeInternal:        {http.StatusInternalServerError, 1, Permanent, "This is a defect in Millrace. The server's log has the details under the request's id."},
	CodeInvalid:         {http.StatusUnprocessableEntity, 2, Permanent, "Correct the named field."},
	CodeRequired:        {http.StatusUnprocessableEntity, 2, Permanent, "Fill in the named field."},
	CodeUnknownField:    {http.StatusUnprocessableEntity, 2, Permanent, "Remove the field or correct its spelling."},
	CodeMalformed:       {http.StatusBadRequest, 2, Permanent, "Send well-formed JSON or YAML."},
	CodeTooLarge:        {http.StatusRequestEntityTooLarge, 2, Permanent, "Send a smaller body."},
	CodeMethod:          {http.StatusMethodNotAllowed, 2, Permanent, "Use one of the methods that the Allow header names."},
	CodeMediaType:       {http.StatusUnsupportedMediaType, 2, Permanent, "Send the body as application/json and say so in Content-Type."},
	CodeNotFound:        {http.StatusNotFound, 4, Permanent, "Check the name; `millrace get` lists what exists."},
	CodeConflict:        {http.StatusConflict, 5, Permanent, "Choose another slug."},
	CodeStale:           {http.StatusConflict, 5, Permanent, "Somebody changed it meanwhile: load it again and repeat the change."},
	CodeReferenced:      {http.StatusConflict, 5, Permanent, "Remove what refers to it first."},
	CodeBadReference:    {http.StatusUnprocessableEntity, 2, Permanent, "Create what is referred to first, or correct the slug."},
	CodeUnauthenticated: {http.StatusUnauthorized, 3, Permanent, "Sign in, or send a valid API key as a bearer token."},
	CodeForbidden:       {http.StatusForbidden, 3, Permanent, "Ask a workspace admin for the permission."},
	CodeCSRF:            {http.StatusForbidden, 3, Permanent, "Reload the page and try again."},
	CodeRateLimited:     {http.StatusTooManyRequests, 6, Throttled, "Wait a few seconds; a workspace may make 200 API requests in 10 seconds."},

	CodeSourceUnreachable: {http.StatusUnprocessableEntity, 7, Retryable, "Check host, port and firewall, then test the connection again."},
	CodeSourceAuth:        {http.StatusUnprocessableEntity, 7, Fatal, "Check user and password of the source."},
	CodeSourceDenied:      {http.StatusUnprocessableEntity, 7, Fatal, "Grant USAGE on the schema and SELECT on the object to the source's user."},
	CodeSourceQuery:       {http.StatusUnprocessableEntity, 7, Fatal, "Correct the model's query; the message is the source's own."},
	CodeSourceTimeout:     {http.StatusUnprocessableEntity, 7, Retryable, "Raise the source's statement timeout or make the model's query lighter."},
	CodeSourceType:        {http.StatusUnprocessableEntity, 7, Fatal, "Cast the column to a supported type in the model's query."},
	CodeSourceFile:        {http.StatusUnprocessableEntity, 7, Fatal, "Correct the file that the message names."},

	CodeModelEmpty:     {http.StatusUnprocessableEntity, 2, Permanent, "Change the query so that it returns a row; `UNION ALL SELECT 'ignore', …` adds one."},
	CodeModelKey:       {http.StatusUnprocessableEntity, 2, Fatal, "Choose a column that is unique and never null."},
	CodeModelColumn:    {http.StatusUnprocessableEntity, 2, Fatal, "Preview and save the model to refresh its columns."},
	CodeModelDuplicate: {http.StatusUnprocessableEntity, 2, Permanent, "Keep one row for each key: ROW_NUMBER() OVER (PARTITION BY key) … = 1."},
	CodeImprecise:      {http.StatusUnprocessableEntity, 2, Permanent, "Reduce the precision or cast the column to string."},
	CodeCast:           {http.StatusUnprocessableEntity, 2, Permanent, "Correct the value or choose another type in the model's Columns tab."},

	CodeDBTManifest: {http.StatusUnprocessableEntity, 2, Fatal, "Compile the dbt project, and load the manifest.json that dbt writes."},
	CodeDBTMissing:  {http.StatusUnprocessableEntity, 2, Fatal, "Load the manifest.json of the dbt project: `millrace dbt load PROJECT target/manifest.json`."},
	CodeDBTCloud:    {http.StatusUnprocessableEntity, 2, Fatal, "Check the base URL, the token, the account and the job of the dbt project."},
	CodeDBTCompile:  {http.StatusUnprocessableEntity, 2, Fatal, "Run dbt compile in a copy of the project, and correct what it says."},
	CodeDBTModel:    {http.StatusUnprocessableEntity, 2, Fatal, "Choose another model of the dbt project, or another way to read it."},

	CodeGit:            {http.StatusUnprocessableEntity, 2, Fatal, "Check the address of the repository."},
	CodeGitAuth:        {http.StatusUnprocessableEntity, 2, Fatal, "Check the token, key or app, and that it may read the repository."},
	CodeGitMissing:     {http.StatusUnprocessableEntity, 2, Fatal, "Check the repository's address, the branch and the path."},
	CodeGitUnreachable: {http.StatusUnprocessableEntity, 2, Retryable, "Check the repository's address, and that this server may reach it."},
	CodeGitHostKey:     {http.StatusUnprocessableEntity, 2, Fatal, "If the server's key was changed on purpose, put the new one into the project's settings."},

	CodeBI: {http.StatusUnprocessableEntity, 2, Fatal, "Check the address, client ID and secret of the BI tool."},

	CodeOrchestrator: {http.StatusUnprocessableEntity, 2, Fatal, "Check the orchestrator's address, key and secret."},
	CodeSignature:    {http.StatusUnauthorized, 3, Permanent, "Connect the orchestrator again: its webhook is then made anew."},

	CodeMapping:       {http.StatusUnprocessableEntity, 2, Fatal, "Correct the sync's mapping."},
	CodeMappingColumn: {http.StatusUnprocessableEntity, 2, Fatal, "Map the field to a column that the model has, or remove the mapping."},
	CodeMappingReject: {http.StatusUnprocessableEntity, 2, Permanent, "Correct the row in the source or change the mapping."},
	CodeTemplate:      {http.StatusUnprocessableEntity, 2, Permanent, "Correct the template at the named line and column."},
	CodeTemplateLimit: {http.StatusUnprocessableEntity, 2, Permanent, "Make the template smaller: it passed its limit of steps, time or output."},

	CodeDestinationUnreachable: {http.StatusUnprocessableEntity, 8, Retryable, "Check the destination's address and firewall, then test the connection again."},
	CodeDestinationAuth:        {http.StatusUnprocessableEntity, 8, Fatal, "Check the destination's credentials."},
	CodeDestinationGrant:       {http.StatusUnprocessableEntity, 8, Fatal, "Open the destination and allow the access again: the provider does not accept the old permission any more. Until then its syncs are not started by their schedules."},
	CodeDestinationDenied:      {http.StatusUnprocessableEntity, 8, Fatal, "Grant the destination's user the permission that the message names."},
	CodeDestinationRejected:    {http.StatusUnprocessableEntity, 8, Permanent, "The destination refused the row; the message is its own."},
	CodeDestinationTooLarge:    {http.StatusUnprocessableEntity, 8, Permanent, "Map fewer or shorter values, or lower the sync's batch size where it has one."},
	CodeDestinationThrottled:   {http.StatusUnprocessableEntity, 8, Throttled, "Lower the sync's rate limit or batch size."},
	CodeDestinationTimeout:     {http.StatusUnprocessableEntity, 8, Unknown, "Raise the sync's timeout or lower its batch size."},
	CodeDestinationAnswer:      {http.StatusUnprocessableEntity, 8, Unknown, "The destination's answer could not be read; the request log shows it."},
	CodeDestinationSchema:      {http.StatusUnprocessableEntity, 8, Fatal, "Make the table or field exist, or change the sync's configuration."},
	CodeDestinationUnknown:     {http.StatusUnprocessableEntity, 8, Unknown, "The connection ended before an answer came; the next run settles these rows."},

	CodeRunFenced:     {http.StatusConflict, 9, Fatal, "Another worker took the run over; nothing is lost."},
	CodeRunCancelled:  {http.StatusConflict, 9, Fatal, "Run the sync again to continue."},
	CodeRunBaseline:   {http.StatusConflict, 9, Fatal, "Run a full resync or reset CDC: what was synced before is no longer known."},
	CodeRunKeyChanged: {http.StatusConflict, 9, Fatal, "Run a full resync or reset CDC: the model's primary key is another one now."},
	CodeRunUntestable: {http.StatusUnprocessableEntity, 2, Permanent, "Run the sync to see what it sends."},
	CodeRunMoved:      {http.StatusConflict, 9, Fatal, "Run a full resync to send every row again, or reset CDC when the rows are there already."},
	CodeRunExpired:    {http.StatusConflict, 9, Fatal, "Run a full resync to send every row again, or reset CDC when the rows are there already."},

	CodeStorageUnreachable: {http.StatusUnprocessableEntity, 10, Retryable, "Check the storage's address and the firewalls in between, then test the connection again."},
	CodeStorageAuth:        {http.StatusUnprocessableEntity, 10, Fatal, "Check the storage's credentials."},
	CodeStorageDenied:      {http.StatusUnprocessableEntity, 10, Fatal, "Grant the storage's identity the permission that the message names."},
	CodeStorageMissing:     {http.StatusUnprocessableEntity, 10, Fatal, "Check the name of the bucket or container, or create it."},
	CodeStorageInUse:       {http.StatusConflict, 5, Permanent, "Describe the new place in a document of its own, then switch to it."},
	CodeStorageLocked:      {http.StatusConflict, 5, Permanent, "Ask the operator of this server: storage that syncs have run on is changed by arrangement."},

	CodeSequenceStopped: {http.StatusConflict, 9, Fatal, "Look at the run of the step that ended the sequence; the step's terminate setting says what may end it."},

	CodeTunnelUnreachable: {http.StatusUnprocessableEntity, 7, Retryable, "Check the SSH host and port, that an SSH server runs there, and that the firewall lets this server in."},
	CodeTunnelAuth:        {http.StatusUnprocessableEntity, 7, Fatal, "Put the tunnel's public key into ~/.ssh/authorized_keys of the tunnel's user on the SSH host."},
	CodeTunnelHostKey:     {http.StatusUnprocessableEntity, 7, Fatal, "Find out why the SSH host has another key. Where that is right, forget the old one on the tunnel's page."},
	CodeTunnelForward:     {http.StatusUnprocessableEntity, 7, Retryable, "Check that the SSH host can reach the service and that its SSH server allows forwarding to it."},
	CodeTunnelClosed:      {http.StatusUnprocessableEntity, 7, Retryable, "Start the tunnel's SSH client on your side; its command is on the tunnel's page."},

	CodeCredential:     {http.StatusUnprocessableEntity, 7, Fatal, "Check the credential's fields; the message is the provider's own."},
	CodeCredentialDown: {http.StatusUnprocessableEntity, 7, Retryable, "Check this server's way to the provider's token service."},

	CodeNoticeAuth:        {http.StatusUnprocessableEntity, 8, Fatal, "Check the alert channel's key or token."},
	CodeNoticeRefused:     {http.StatusUnprocessableEntity, 8, Permanent, "Correct the alert channel's settings; the message is the provider's own."},
	CodeNoticeThrottled:   {http.StatusUnprocessableEntity, 8, Throttled, "The provider asks to wait; the notice is sent again by itself."},
	CodeNoticeUnreachable: {http.StatusUnprocessableEntity, 8, Retryable, "Check the alert channel's address and the server's way to it."},
	CodeNoticeMail:        {http.StatusUnprocessableEntity, 8, Retryable, "Check the server's settings smtp-host, smtp-port, smtp-tls, smtp-user, smtp-password and smtp-from."},

	CodeStorage:    {http.StatusInternalServerError, 10, Retryable, "Check the storage bucket or folder that the server is configured with."},
	CodeDiskFull:   {http.StatusInsufficientStorage, 10, Fatal, "Free disk space under MILLRACE_HOME, then run again: nothing was lost."},
	CodeSecret:     {http.StatusInternalServerError, 10, Fatal, "Check that the encryption key that the server was first started with is still configured."},
	CodeConfig:     {http.StatusInternalServerError, 2, Fatal, "Correct the setting; `millrace config` prints the reference."},
	CodeHomeLocked: {http.StatusInternalServerError, 2, Fatal, "Another server uses this MILLRACE_HOME; stop it, or use PostgreSQL to run several."},
}

// Info returns what is known about the code; an unregistered code reads as CodeInternal.
func (c Code) Info() Info {
	if i, ok := codes[c]; ok {
		return i
	}
	return codes[CodeInternal]
}

// Codes returns every registered code in alphabetical order.
func Codes() []Code {
	all := make([]Code, 0, len(codes))
	for c := range codes {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}
