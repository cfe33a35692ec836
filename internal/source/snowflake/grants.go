package snowflake

// What the set-up of Iceberg tables says besides: instants of Iceberg tables have the session's time zone (S-45).
const (
	icebergUser   = "\n  DEFAULT_TIMEZONE = 'UTC'"
	icebergVolume = "\nSET millrace_volume = 'MILLRACE_VOLUME';\nGRANT USAGE ON EXTERNAL VOLUME IDENTIFIER($millrace_volume) TO ROLE IDENTIFIER($millrace_role);"
)

// grants make a role, a user and a warehouse, let the role read one database, and give it the two schemas (S-42). The
// user's public key and the names in the first lines are for the administrator to set.
// https://docs.snowflake.com/en/sql-reference/sql/grant-privilege, …/create-user, …/grant-ownership
func grants(user, volume string) string {
	return `-- Set these names; run the block from "the database" on again for each further database.
SET millrace_role = 'MILLRACE_ROLE';
SET millrace_user = '{user}';
SET millrace_warehouse = 'MILLRACE_WH';
SET millrace_database = 'ANALYTICS';

USE ROLE ACCOUNTADMIN;
CREATE ROLE IF NOT EXISTS IDENTIFIER($millrace_role);
GRANT ROLE IDENTIFIER($millrace_role) TO ROLE SYSADMIN;
CREATE WAREHOUSE IF NOT EXISTS IDENTIFIER($millrace_warehouse) AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;
GRANT USAGE ON WAREHOUSE IDENTIFIER($millrace_warehouse) TO ROLE IDENTIFIER($millrace_role);

-- The public key is what rsa_key.pub has between its first and its last line, in one line.
CREATE USER IF NOT EXISTS IDENTIFIER($millrace_user) TYPE = SERVICE RSA_PUBLIC_KEY = '<public key>'
  DEFAULT_ROLE = $millrace_role DEFAULT_WAREHOUSE = $millrace_warehouse` + user + `;
GRANT ROLE IDENTIFIER($millrace_role) TO USER IDENTIFIER($millrace_user);` + volume + `

-- The database: what the role may read.
GRANT USAGE ON DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT USAGE ON ALL SCHEMAS IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT USAGE ON FUTURE SCHEMAS IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT SELECT ON ALL TABLES IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT SELECT ON FUTURE TABLES IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT SELECT ON ALL VIEWS IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);
GRANT SELECT ON FUTURE VIEWS IN DATABASE IDENTIFIER($millrace_database) TO ROLE IDENTIFIER($millrace_role);

-- Only for the Lightning engine and sync logs: the two schemas that Millrace writes in.
USE DATABASE IDENTIFIER($millrace_database);
CREATE SCHEMA IF NOT EXISTS "{planner}";
CREATE SCHEMA IF NOT EXISTS "{audit}";
GRANT OWNERSHIP ON SCHEMA "{planner}" TO ROLE IDENTIFIER($millrace_role) COPY CURRENT GRANTS;
GRANT OWNERSHIP ON SCHEMA "{audit}" TO ROLE IDENTIFIER($millrace_role) COPY CURRENT GRANTS;`
}
