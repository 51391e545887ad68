CREATE TABLE IF NOT EXISTS notes (
    id bigint PRIMARY KEY AUTO_INCREMENT,
    created timestamp NOT NULL DEFAULT current_timestamp,
    text text NOT NULL
);
