package mysql_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/destination/mysql"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/test/services"
)

// TestInfos looks at what both destinations say of themselves.
//
// Req: SY-17, X-22
func TestInfos(t *testing.T) {
	t.Parallel()
	infos := mysql.Infos()
	same(t, infos[0].Slug+" "+infos[1].Slug, "mysql mariadb")
	for _, d := range connector.New(nil, infos).Destinations() {
		if !d.Tunnels {
			t.Errorf("%s cannot be reached through a tunnel", d.Slug)
		}
		for _, f := range d.SyncTypes[0].Fields {
			if f.Name == "statement" && !strings.Contains(f.Options[1].Help, "every column that is not mapped loses its value") {
				t.Errorf("nobody is told what LOAD DATA replaces: %s", f.Options[1].Help)
			}
		}
	}
}

// TestBegin refuses jobs that do not fit the table, before anything is written.
//
// Req: SY-21, SY-38
func TestBegin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TABLE begun (id int PRIMARY KEY, a varchar(9), g varchar(9) AS (concat(a, 'x')) STORED UNIQUE, f float UNIQUE, u varchar(9) UNIQUE, UNIQUE (a(3)));
		CREATE TABLE old (id int) ENGINE = MyISAM; CREATE TABLE keyless (id int); CREATE VIEW seen AS SELECT 1 AS id`)
	load := func(j *connector.SyncJob) { j.Settings["statement"] = "load" }
	for _, c := range []struct {
		name string
		job  connector.SyncJob
		edit func(*connector.SyncJob)
		path string
		says string
	}{
		{name: "no table", job: job("nothing", connector.ModeInsert, "", "id"), path: "spec.settings.table", says: "there is no table"},
		{name: "a view", job: job("seen", connector.ModeInsert, "", "id"), path: "spec.settings.table", says: "there is no table"},
		{name: "no column", job: job("begun", connector.ModeInsert, "", "nope"), path: "spec.mappings", says: `no column "nope"`},
		{name: "no matched column", job: job("begun", connector.ModeUpsert, "nope", "id"), path: "spec.match", says: `no column "nope"`},
		{name: "matched by no key", job: job("begun", connector.ModeUpsert, "a", "a"), path: "spec.match", says: "a is not a primary or unique key"},
		{name: "matched by a part of a key and more", job: job("begun", connector.ModeUpsert, "id u", "id", "u"), path: "spec.match", says: "its keys are (id), (f), (g), (u)"},
		{name: "no key at all", job: job("keyless", connector.ModeUpsert, "id", "id"), path: "spec.match", says: "ADD UNIQUE"},
		{name: "matched by a float", job: job("begun", connector.ModeUpsert, "f", "id"), path: "spec.match", says: "FLOAT"},
		{name: "generated", job: job("begun", connector.ModeInsert, "", "id", "g"), path: "spec.mappings", says: `"g"`},
		{name: "matched by generated", job: job("begun", connector.ModeUpsert, "g", "id"), path: "spec.match", says: `"g"`},
		{name: "insert without transactions", job: job("old", connector.ModeInsert, "", "id"), path: "spec.mode", says: "no transactions"},
		{name: "LOAD DATA that deletes others", job: job("begun", connector.ModeUpsert, "id", "id", "u"), edit: load, path: "spec.settings.statement", says: `delete rows that are equal in the unique key "u"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if c.edit != nil {
				c.edit(&c.job)
			}
			_, err := w.open(t, w.settings(t)).Begin(t.Context(), c.job)
			if !fault.Is(err, fault.CodeDestinationSchema) && fault.As(err).Code != fault.CodeDestinationSchema || fault.As(err).Path != c.path || !strings.Contains(err.Error(), c.says) || fault.As(err).Hint() == "" {
				t.Errorf("%s at %s: %v (%s)", fault.As(err).Code, fault.As(err).Path, err, fault.As(err).Hint())
			}
		})
	}
	j := job("begun", connector.ModeUpsert, "id", "id")
	if _, err := w.open(t, w.settings(t)).Begin(t.Context(), j); err != nil {
		t.Errorf("a good job: %v", err)
	}
}

// TestPermissions: what is not granted ends the run, with what to grant.
//
// Req: SY-78
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, "CREATE TABLE kept (id int PRIMARY KEY, a text)")
	user := w.user(t, "SELECT, INSERT ON kept")
	d := w.open(t, w.settings(t, "user", user, "password", "pass-word"))
	j := job("kept", connector.ModeUpsert, "id", "id", "a")
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), text("x"))))
	if !fault.Is(err, fault.CodeDestinationDenied) || fault.ClassOf(err) != fault.Fatal || !strings.Contains(err.Error(), "UPDATE command denied") || !strings.Contains(fault.As(err).Hint(), "Grant") {
		t.Errorf("%v (%s)", err, fault.As(err).Hint())
	}
}

// TestDiscovery lists tables and columns. Only columns of keys can be matched by.
//
// Req: M-24, SY-21
func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(t, `CREATE TABLE shops (id int PRIMARY KEY);
		CREATE TABLE orders (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, a int NOT NULL, b varchar(9) NOT NULL DEFAULT '' COMMENT 'a comment', c date, shop int, doc json, long_doc longtext,
			at timestamp(3) NULL, made datetime NOT NULL DEFAULT CURRENT_TIMESTAMP, ok boolean, flags bit(3), raw varbinary(9) NOT NULL, mood enum('glad','sad'), n decimal(9,2), twice int AS (a * 2) STORED,
			spot point, span time, f float UNIQUE, UNIQUE pair (a, c), UNIQUE (b(3)), FOREIGN KEY (shop) REFERENCES shops (id)) COMMENT 'What was bought';
		CREATE TABLE millrace_receipts (id int); CREATE VIEW seen AS SELECT 1 AS one`)
	d := w.open(t, w.settings(t))
	j := job("orders", connector.ModeUpsert, "a", "a")
	options, err := d.(connector.OptionLister).ListOptions(t.Context(), "tables", j)
	if err != nil {
		t.Fatal(err)
	}
	same(t, fmt.Sprint(options), "[{orders orders What was bought} {shops shops }]")
	list := func() string {
		fields, err := d.(connector.FieldLister).TargetFields(t.Context(), j)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		for _, f := range fields {
			fmt.Fprintf(&got, "%s %s %s", f.Name, f.Type, f.Native)
			if f.Required {
				got.WriteString(" required")
			}
			if f.Match {
				got.WriteString(" match")
			}
			if f.ReadOnly {
				got.WriteString(" readonly")
			}
			fmt.Fprintf(&got, " %q\n", f.Help)
		}
		return got.String()
	}
	const before = `id number bigint(20) unsigned match "Primary key"
a number int(11) required match "Unique together with c"
b string varchar(9) "a comment"
c date date match "Unique together with a"
shop reference int(11) "Refers to shops"
doc object longtext ""
long_doc string longtext ""
at timestamp timestamp(3) ""
made timestamp datetime ""
ok boolean tinyint(1) ""
flags number bit(3) ""
raw string varbinary(9) required "Takes bytes, or a text in base64"
mood string enum('glad','sad') ""
n number decimal(9,2) ""
twice number int(11) readonly ""
spot unknown point "Takes bytes, or a text in base64"
span string time ""
f number float "Unique"
`
	same(t, list(), before)
	w.exec(t, "ALTER TABLE orders ADD COLUMN note text")
	same(t, list(), before+"note string text \"\"\n")
	j.Settings["table"] = "gone"
	if _, err := d.(connector.FieldLister).TargetFields(t.Context(), j); !fault.Is(err, fault.CodeDestinationSchema) {
		t.Errorf("fields of no table: %v", err)
	}
}

// TestExchanges shows statements and counts, and none of the values.
//
// Req: SY-74
func TestExchanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, table string
		change      connector.Settings
		want        string
	}{
		{"plain", "id int PRIMARY KEY, a int", nil, "SQL INSERT INTO `DB`.`plain` (`id`, `a`) VALUES … 2 rows … ON DUPLICATE KEY UPDATE `a` = VALUES(`a`) -> 2 rows affected"},
		{"guarded", "id int PRIMARY KEY, a int UNIQUE", nil, "SQL INSERT INTO `DB`.`guarded` (`id`, `a`) VALUES … 2 rows … ON DUPLICATE KEY UPDATE `a` = IF(1 / (`guarded`.`id` <=> VALUES(`id`)) IS NULL, `guarded`.`a`, VALUES(`a`)) -> 2 rows affected"},
		{"by_row", "id int PRIMARY KEY, a int, must int NOT NULL DEFAULT 5, b int NOT NULL", nil, "SQL UPDATE `DB`.`by_row` SET … WHERE … -> 0 rows affected\nSQL INSERT INTO `DB`.`by_row` (…) VALUES (…) -> 0 rows affected"},
		{"loaded", "id int PRIMARY KEY, a int", ways["load"], "SQL LOAD DATA LOCAL INFILE '…' REPLACE INTO TABLE `DB`.`loaded` CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ENCLOSED BY '' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' STARTING BY '' (`id`, `a`) -- 2 rows -> 2 rows affected"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w.exec(t, "CREATE TABLE "+c.name+" ("+c.table+")")
			j := job(c.name, connector.ModeUpsert, "id", "id", "a")
			maps.Copy(j.Settings, c.change)
			rows := []connector.Row{rowOf(j, num(4711), num(47111)), rowOf(j, num(4712), num(47122))}
			if c.name == "by_row" {
				rows = rows[:1]
			}
			b := batch(connector.Added, rows...)
			if _, err := begin(t, w, j).Write(t.Context(), b); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range b.Exchanges {
				answer := x.ResponseBody
				if x.Error != "" {
					answer = "0 rows affected"
				}
				got = append(got, x.Method+" "+strings.ReplaceAll(x.RequestBody, w.config.DBName, "DB")+" -> "+answer)
			}
			same(t, strings.Join(got, "\n"), c.want)
		})
	}
}

// TestServers meets servers that do not do what is asked: one that only reads, and one that takes no files.
func TestServers(t *testing.T) {
	t.Parallel()
	own := services.MariaDBOfItsOwn(t, nil, "--local-infile=0", "--read-only=1")
	admin := worldAt(t, own.DSN())
	admin.exec(t, "CREATE DATABASE shop; USE shop; CREATE TABLE shop.things (id int PRIMARY KEY, a text); CREATE USER writer@'%' IDENTIFIED BY 'pass-word'; GRANT ALL ON shop.* TO writer@'%'")
	settings := connector.Settings{"host": "127.0.0.1", "port": float64(own.Port), "database": "shop", "user": "writer", "password": "pass-word", "sslMode": "disable"}
	d := openIn(t, settings, connector.Network{})
	if err := d.Test(t.Context()); !fault.Is(err, fault.CodeDestinationDenied) || !strings.Contains(err.Error(), "read-only") || !strings.Contains(fault.As(err).Hint(), "primary") {
		t.Errorf("a server that only reads: %v", err)
	}
	j := job("things", connector.ModeUpsert, "id", "id", "a")
	s, err := d.Begin(t.Context(), j)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), batch(connector.Added, rowOf(j, num(1), text("x")))); !fault.Is(err, fault.CodeDestinationDenied) || fault.ClassOf(err) != fault.Fatal {
		t.Errorf("writing to it: %v", err)
	}
	j.Settings["statement"] = "load"
	if _, err = d.Begin(t.Context(), j); !fault.Is(err, fault.CodeDestinationSchema) || fault.As(err).Path != "spec.settings.statement" || !strings.Contains(fault.As(err).Hint(), "local_infile = ON") {
		t.Errorf("LOAD DATA at a server that takes no files: %v", err)
	}
}

// TestNetwork: every connection goes through the network that the destination was opened with, by the server's own name,
// and an error says which addresses a firewall must let in.
//
// Req
func TestNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var asked string
	tunnel := connector.Network{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		asked = address
		return (&net.Dialer{}).DialContext(ctx, network, w.config.Addr)
	}}
	if err := openIn(t, w.settings(t, "host", "db.internal", "port", 3306.0), tunnel).Test(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, asked, "db.internal:3306")
	err := openIn(t, w.settings(t, "port", 1.0), connector.Network{Egress: []string{"192.0.2.7"}}).Test(t.Context())
	if !strings.Contains(fault.As(err).Hint(), "192.0.2.7") {
		t.Errorf("%s", fault.As(err).Hint())
	}
}
