-- upsert by a number
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 INT NULL, c1 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c2 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c3 DECIMAL(12,2) NULL, c4 DATETIMEOFFSET(3) NULL, c5 VARBINARY(MAX) NULL, c6 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL);
INSERT INTO @rows (i, c0, c1, c2, c3, c4, c5, c6) SELECT i, CONVERT(INT, t0), t1, t2, CONVERT(DECIMAL(12,2), t3), CONVERT(DATETIMEOFFSET(3), t4), CONVERT(VARBINARY(MAX), t5, 2), t6 FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]', t2 NVARCHAR(MAX) '$[3]', t3 NVARCHAR(MAX) '$[4]', t4 NVARCHAR(MAX) '$[5]', t5 NVARCHAR(MAX) '$[6]', t6 NVARCHAR(MAX) '$[7]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), CONVERT(VARCHAR(MAX), c1)) COLLATE Latin1_General_100_BIN2 <> RTRIM(c1) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [email]: VARCHAR(100) cannot hold every character of the value', 1;
END;
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), CONVERT(VARCHAR(MAX), c6)) COLLATE Latin1_General_100_BIN2 <> RTRIM(c6) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [note]: TEXT cannot hold every character of the value', 1;
END;
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.c0 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[id] = r.c0);
UPDATE t SET t.[email] = r.c1, t.[name] = r.c2, t.[balance] = r.c3, t.[seen] = r.c4, t.[photo] = r.c5, t.[note] = r.c6 FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[id] = r.c0 WHERE r.found = 1;
INSERT INTO [dbo].[peo]]ple] ([id], [email], [name], [balance], [seen], [photo], [note]) SELECT r.c0, r.c1, r.c2, r.c3, r.c4, r.c5, r.c6 FROM @rows AS r WHERE r.found = 0;

-- upsert by a text
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, k0 VARCHAR(100) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c1 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL);
INSERT INTO @rows (i, c0, k0, c1) SELECT i, t0, CONVERT(VARCHAR(100), t0 COLLATE SQL_Latin1_General_CP1_CI_AS), t1 FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), k0) COLLATE Latin1_General_100_BIN2 <> RTRIM(c0) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [email]: VARCHAR(100) cannot hold every character of the value', 1;
END;
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.k0 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[email] = r.k0);
UPDATE t SET t.[name] = r.c1 FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[email] = r.k0 WHERE r.found = 1;
INSERT INTO [dbo].[peo]]ple] ([email], [name]) SELECT r.c0, r.c1 FROM @rows AS r WHERE r.found = 0;

-- upsert of the key alone
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 INT NULL);
INSERT INTO @rows (i, c0) SELECT i, CONVERT(INT, t0) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]');
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.c0 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[id] = r.c0);
INSERT INTO [dbo].[peo]]ple] ([id]) SELECT r.c0 FROM @rows AS r WHERE r.found = 0;

-- upsert by a key that is not mapped
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c1 INT NULL);
INSERT INTO @rows (i, c0, c1) SELECT i, t0, CONVERT(INT, t1) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]');
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.c1 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[id] = r.c1);
UPDATE t SET t.[name] = r.c0 FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[id] = r.c1 WHERE r.found = 1;
INSERT INTO [dbo].[peo]]ple] ([name], [id]) SELECT r.c0, r.c1 FROM @rows AS r WHERE r.found = 0;

-- upsert that leaves nulls out
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 INT NULL, c1 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c2 DECIMAL(12,2) NULL);
INSERT INTO @rows (i, c0, c1, c2) SELECT i, CONVERT(INT, t0), t1, CONVERT(DECIMAL(12,2), t2) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]', t2 NVARCHAR(MAX) '$[3]');
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.c0 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[id] = r.c0);
UPDATE t SET t.[name] = COALESCE(r.c1, t.[name]), t.[balance] = COALESCE(r.c2, t.[balance]) FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[id] = r.c0 WHERE r.found = 1;
INSERT INTO [dbo].[peo]]ple] ([id], [name], [balance]) SELECT r.c0, r.c1, COALESCE(r.c2, ((0))) FROM @rows AS r WHERE r.found = 0;

-- upsert by another value than the column is filled with
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c1 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c2 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, k2 VARCHAR(100) COLLATE SQL_Latin1_General_CP1_CI_AS NULL);
INSERT INTO @rows (i, c0, c1, c2, k2) SELECT i, t0, t1, t2, CONVERT(VARCHAR(100), t2 COLLATE SQL_Latin1_General_CP1_CI_AS) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]', t2 NVARCHAR(MAX) '$[3]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), CONVERT(VARCHAR(MAX), c1)) COLLATE Latin1_General_100_BIN2 <> RTRIM(c1) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [email]: VARCHAR(100) cannot hold every character of the value', 1;
END;
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), k2) COLLATE Latin1_General_100_BIN2 <> RTRIM(c2) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [email]: VARCHAR(100) cannot hold every character of the value', 1;
END;
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.k2 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE r SET found = 1 FROM @rows AS r WHERE EXISTS (SELECT 1 FROM [dbo].[peo]]ple] AS t WITH (UPDLOCK, SERIALIZABLE) WHERE t.[email] = r.k2);
UPDATE t SET t.[name] = r.c0, t.[email] = r.c1 FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[email] = r.k2 WHERE r.found = 1;
INSERT INTO [dbo].[peo]]ple] ([name], [email]) SELECT r.c0, r.c1 FROM @rows AS r WHERE r.found = 0;

-- update by two columns
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, k0 NVARCHAR(20) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, c1 DATETIMEOFFSET(3) NULL, c2 DECIMAL(12,2) NULL);
INSERT INTO @rows (i, c0, k0, c1, c2) SELECT i, t0, CONVERT(NVARCHAR(20), t0 COLLATE SQL_Latin1_General_CP1_CI_AS), CONVERT(DATETIMEOFFSET(3), t1), CONVERT(DECIMAL(12,2), t2) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]', t2 NVARCHAR(MAX) '$[3]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), k0) COLLATE Latin1_General_100_BIN2 <> RTRIM(c0) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [name]: NVARCHAR(20) cannot hold every character of the value', 1;
END;
WITH ranked AS (SELECT ROW_NUMBER() OVER (PARTITION BY r.k0, r.c1 ORDER BY r.i DESC) AS place FROM @rows AS r)
DELETE FROM ranked WHERE place > 1;
UPDATE t SET t.[balance] = r.c2 FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[name] = r.k0 AND t.[seen] = r.c1;

-- insert
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 INT NULL, c1 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL);
INSERT INTO @rows (i, c0, c1) SELECT i, CONVERT(INT, t0), t1 FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]', t1 NVARCHAR(MAX) '$[2]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), CONVERT(VARCHAR(MAX), c1)) COLLATE Latin1_General_100_BIN2 <> RTRIM(c1) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [note]: TEXT cannot hold every character of the value', 1;
END;
INSERT INTO [dbo].[peo]]ple] ([id], [note]) SELECT r.c0, r.c1 FROM @rows AS r;

-- delete
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 INT NULL);
INSERT INTO @rows (i, c0) SELECT i, CONVERT(INT, t0) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]');
DELETE t FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[id] = r.c0;

-- clear
SET NOCOUNT ON;
DECLARE @rows TABLE (i INT NOT NULL, found BIT NOT NULL DEFAULT 0, c0 NVARCHAR(MAX) COLLATE SQL_Latin1_General_CP1_CI_AS NULL, k0 VARCHAR(100) COLLATE SQL_Latin1_General_CP1_CI_AS NULL);
INSERT INTO @rows (i, c0, k0) SELECT i, t0, CONVERT(VARCHAR(100), t0 COLLATE SQL_Latin1_General_CP1_CI_AS) FROM OPENJSON(@p1) WITH (i INT '$[0]', t0 NVARCHAR(MAX) '$[1]');
IF EXISTS (SELECT 1 FROM @rows WHERE CONVERT(NVARCHAR(MAX), k0) COLLATE Latin1_General_100_BIN2 <> RTRIM(c0) COLLATE Latin1_General_100_BIN2)
BEGIN;
THROW 50001, N'column [email]: VARCHAR(100) cannot hold every character of the value', 1;
END;
UPDATE t SET t.[name] = NULL, t.[balance] = NULL FROM [dbo].[peo]]ple] AS t JOIN @rows AS r ON t.[email] = r.k0;

-- receipts
CREATE TABLE [dbo].[millrace_receipts] (session VARCHAR(64) COLLATE Latin1_General_BIN2 NOT NULL, batch VARCHAR(255) COLLATE Latin1_General_BIN2 NOT NULL, refused INT NOT NULL, written_at DATETIME2 NOT NULL DEFAULT SYSUTCDATETIME(), PRIMARY KEY (session, batch))
INSERT INTO [dbo].[millrace_receipts] (session, batch, refused) SELECT @p1, @p2, @p3 WHERE NOT EXISTS (SELECT 1 FROM [dbo].[millrace_receipts] WITH (UPDLOCK, SERIALIZABLE) WHERE session = CONVERT(VARCHAR(64), @p1) AND batch = CONVERT(VARCHAR(255), @p2))
DELETE FROM [dbo].[millrace_receipts] WITH (READPAST) WHERE written_at < DATEADD(DAY, -30, SYSUTCDATETIME())
