package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/source/mysql"
	"github.com/millrace/millrace/test/services"
)

// mysqlReadSpeed is the goal of the MySQL source, as a share of the driver's own speed.
const mysqlReadSpeed = 0.67

const (
	visitsTable = `CREATE TABLE visits AS
SELECT seq AS id, concat('customer', seq, '@example.com') AS email, concat('First Last ', seq) AS name, 'Springfield' AS city, CAST(seq * 1.25 AS decimal(12, 2)) AS amount,
       seq MOD 3 = 0 AS active, seq / 7e0 AS score, seq MOD 1000 AS visits, DATE '2020-01-01' + INTERVAL seq MOD 2000 DAY AS day, TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq SECOND AS seen
FROM seq_1_to_%d`
	readVisits = "SELECT id, email, name, city, amount, active, score, visits, day, seen FROM visits"
)

// fromMySQL reads rows through the source, beside a bare scan with the driver, from MariaDB.
func fromMySQL(ctx context.Context, b *bench) (err error) {
	server, err := services.StartOwnMariaDB(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	db, err := sql.Open("mysql", server.DSN())
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	total := b.size(1_000_000)
	for _, statement := range []string{"CREATE DATABASE bench", "CREATE USER bench@'%'", "GRANT ALL ON bench.* TO bench@'%'"} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%.60s…: %w", statement, err)
		}
	}
	c := driver.NewConfig()
	c.User, c.DBName, c.Net, c.Addr, c.ParseTime = "bench", "bench", "tcp", fmt.Sprintf("127.0.0.1:%d", server.Port), true
	bare, err := sql.Open("mysql", c.FormatDSN())
	if err != nil {
		return fmt.Errorf("opening: %w", err)
	}
	defer func() { err = errors.Join(err, bare.Close()) }()
	if _, err := bare.ExecContext(ctx, fmt.Sprintf(visitsTable, total)); err != nil {
		return fmt.Errorf("making the table: %w", err)
	}
	info := mysql.Infos()[0]
	settings := connector.Settings{"host": "127.0.0.1", "port": float64(server.Port), "database": "bench", "user": "bench", "sslMode": "disable"}
	from, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields), Dir: b.dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	reads, err := pair{rounds: 2*b.rounds + 1, peer: func() error { return scanVisits(ctx, bare, total) }, ours: func() error { return readAll(ctx, from, readVisits, total) }}.run()
	if err != nil {
		return err
	}
	b.add(reads.atLeast(mysqlReadSpeed, total, "mysql", "read of 10 columns, beside a bare row scan"))
	return nil
}

func scanVisits(ctx context.Context, db *sql.DB, want int64) (err error) {
	rows, err := db.QueryContext(ctx, readVisits)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var id, visits, n int64
	var email, name, city, amount string
	var active bool
	var score float64
	var day, seen time.Time
	for ; rows.Next(); n++ {
		if err := rows.Scan(&id, &email, &name, &city, &amount, &active, &score, &visits, &day, &seen); err != nil {
			return err
		}
	}
	if n != want {
		return errors.Join(fmt.Errorf("%d rows of %d were read", n, want), rows.Err())
	}
	return rows.Err()
}
