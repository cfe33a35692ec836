CREATE TABLE id_sequence (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  last BIGINT NOT NULL
);
INSERT INTO id_sequence (one, last) VALUES (1, 1000);
