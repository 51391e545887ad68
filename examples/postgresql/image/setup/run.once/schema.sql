\getenv user POSTGRESQL_USER
SET ROLE :"user";

CREATE TABLE IF NOT EXISTS notes (
    id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    created timestamptz NOT NULL DEFAULT now(),
    text text NOT NULL
);
