package sftp

import (
	"path"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/sftpserver"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// settings are the destination's own.
type settings struct {
	sftpserver.Server

	Folder    string `json:"folder"`
	PublicKey string `json:"pgpPublicKey"`
}

func fields() []connector.Field {
	return append(sftpserver.Fields("A user who may write to the folders, and rename files there."),
		connector.Field{
			Name: "folder", Label: "Folder", Type: connector.FieldString, Example: "/upload",
			Help: "Where the names of files begin. One without a slash at its start begins in the folder in which the user arrives; empty means that folder. It must exist.",
		},
		file.PublicKeyField(),
	)
}

// syncSettings are those of a sync that only this destination has.
type syncSettings struct {
	TemporaryFolder string `json:"temporaryFolder"`
	CreateFolders   bool   `json:"createFolders"`
}

func syncFields() []connector.Field {
	return []connector.Field{
		{
			Name: "temporaryFolder", Label: "Temporary folder", Type: connector.FieldString, Advanced: true, Example: "/upload/unfinished",
			Help: "Where a file is until it is complete; its name begins with a dot. Empty means the folder that it is for. The folder must exist, on the same file system.",
		},
		{
			Name: "createFolders", Label: "Create folders", Type: connector.FieldBoolean, Default: false, Advanced: true,
			Help: "Make the folders of a file's name that do not exist. Otherwise the run fails.",
		},
	}
}

func decodeSync(job connector.SyncJob) (syncSettings, error) {
	var s syncSettings
	err := job.Settings.WithDefaults(syncFields()).Decode(&s)
	return s, err
}

// check reports every setting that cannot work.
func (s settings) check() fault.Issues {
	var issues fault.Issues
	if s.Host == "" || strings.ContainsAny(s.Host, "/@ ") {
		issues.Add("spec.configuration.host", fault.CodeInvalid, "%q is not the name of a server: enter it without sftp://, user and folder", file.Redacted(s.Host))
	}
	if s.Port == 0 {
		issues.Add("spec.configuration.port", fault.CodeInvalid, "the port is missing; that of SFTP is 22")
	}
	if s.Username == "" {
		issues.Add("spec.configuration.username", fault.CodeInvalid, "the username is missing")
	}
	checkFolder("spec.configuration.folder", s.Folder, &issues)
	if err := s.Prepare(); err != nil {
		issues = append(issues, fault.As(err))
	}
	if err := file.CheckPublicKey(s.PublicKey); err != nil {
		issues = append(issues, fault.As(err).WithPath("spec.configuration.pgpPublicKey"))
	}
	return issues
}

// checkFolder refuses a folder that goes upwards or is not plainly written.
func checkFolder(at, folder string, issues *fault.Issues) {
	clean := path.Clean(folder)
	switch {
	case folder == "":
	case strings.ContainsAny(folder, "\\\x00\n\r"), clean == "..", strings.HasPrefix(clean, "../"), strings.Contains("/"+folder+"/", "/../"):
		issues.Add(at, fault.CodeInvalid, "%q is not a plain path of folders", folder)
	}
}
