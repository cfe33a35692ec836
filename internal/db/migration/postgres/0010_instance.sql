-- Names this installation where it writes into a place that others may write into as well.
CREATE TABLE instance (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  id TEXT NOT NULL
);
