package app

import (
	"log/slog"
	"slices"

	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination"
	"github.com/millrace/millrace/internal/destination/azureblob"
	"github.com/millrace/millrace/internal/destination/dynamodb"
	"github.com/millrace/millrace/internal/destination/elasticsearch"
	"github.com/millrace/millrace/internal/destination/email"
	"github.com/millrace/millrace/internal/destination/embedded"
	"github.com/millrace/millrace/internal/destination/gcs"
	sheetsdestination "github.com/millrace/millrace/internal/destination/googlesheets"
	httprequest "github.com/millrace/millrace/internal/destination/http"
	"github.com/millrace/millrace/internal/destination/kafka"
	"github.com/millrace/millrace/internal/destination/lambda"
	"github.com/millrace/millrace/internal/destination/local"
	"github.com/millrace/millrace/internal/destination/mongodb"
	mysqldest "github.com/millrace/millrace/internal/destination/mysql"
	"github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/destination/pubsub"
	"github.com/millrace/millrace/internal/destination/rabbitmq"
	"github.com/millrace/millrace/internal/destination/redis"
	"github.com/millrace/millrace/internal/destination/s3"
	"github.com/millrace/millrace/internal/destination/sftp"
	sqlserverdest "github.com/millrace/millrace/internal/destination/sqlserver"
	"github.com/millrace/millrace/internal/destination/sqs"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	destinationkind "github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	"github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/source/athena"
	"github.com/millrace/millrace/internal/source/bigquery"
	"github.com/millrace/millrace/internal/source/clickhouse"
	"github.com/millrace/millrace/internal/source/databricks"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/excel"
	"github.com/millrace/millrace/internal/source/file"
	"github.com/millrace/millrace/internal/source/googlesheets"
	"github.com/millrace/millrace/internal/source/mysql"
	"github.com/millrace/millrace/internal/source/objects"
	"github.com/millrace/millrace/internal/source/oracle"
	pgsource "github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/source/sample"
	"github.com/millrace/millrace/internal/source/snowflake"
	"github.com/millrace/millrace/internal/source/sqlserver"
	"github.com/millrace/millrace/internal/source/teradata"
	"github.com/millrace/millrace/internal/source/trino"
)

// Connectors returns everything that this build can read from and write to.
func Connectors(c *config.Config) *connector.Registry {
	network := networkOf(c)
	reach := duckdb.Reach{Root: c.SourcesRoot, Deny: []string{c.Home}}
	sources := slices.Concat(
		pgsource.Infos(), mysql.Infos(), sqlserver.Infos(), sample.Infos(),
		[]connector.SourceInfo{
			snowflake.Info(), snowflake.IcebergInfo(), databricks.Info(), bigquery.Info(), bigquery.IcebergInfo(), trino.Info(), athena.Info(), clickhouse.Info(), oracle.Info(), teradata.Info(c.TeradataDriver), duckdb.Info(reach),
			file.Info(reach), objects.S3(), objects.GCS(), objects.Azure(), objects.SFTP(), googlesheets.Info(), excel.Info(),
		},
	)
	r := connector.New(sources, slices.Concat(destination.Manifests(network), mysqldest.Infos(), []connector.DestinationInfo{
		dynamodb.Info(),
		elasticsearch.Info(),
		mongodb.Info(),
		redis.Info(),
		kafka.Info(),
		sqs.Info(),
		pubsub.Info(),
		rabbitmq.Info(),
		lambda.Info(),
		email.Info(),
		embedded.Info(network),
		gcs.Info(),
		azureblob.Info(),
		sftp.Info(),
		sheetsdestination.Info(),
		httprequest.Info(network),
		local.Info(c.FilesRoot),
		postgres.Info(),
		s3.Info(),
		sqlserverdest.Info(),
	}))
	if c.ConnectorsDir != "" {
		r.With(&manifest.Folder{Dir: c.ConnectorsDir, Network: network, Log: slog.Default()})
	}
	return r
}

// networkOf is where connections that people configure may go.
func networkOf(c *config.Config) httpx.Network {
	if c.Network == config.NetworkPublic {
		return httpx.PublicOnly
	}
	return httpx.AnyNetwork
}

// Storages returns the providers that workspaces can have buckets of their own at.
func Storages(c *config.Config) []storage.Type { return storage.Types(c.StorageIdentity == "true") }

// Kinds returns the kinds of documents, in the order in which they build on each other.
func Kinds(r *connector.Registry, storages []storage.Type, credentials []credential.Type) *resource.Registry {
	return resource.NewRegistry(credential.Kind(credentials), tunnel.Kind(), storage.Kind(storages), channel.Kind(), monitor.Kind(), orchestrator.Kind(), bitool.Kind(), source.Kind(r), dbtproject.Kind(r), destinationkind.Kind(r), model.Kind(r), sync.Kind(r), sequence.Kind())
}
