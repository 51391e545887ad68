\getenv user POSTGRESQL_USER
\getenv password POSTGRESQL_PASSWORD
\getenv database POSTGRESQL_DATABASE

-- The server logs statements that fail, and one of these holds the password.
SET log_min_error_statement = panic;

SELECT format('CREATE ROLE %I LOGIN', :'user')
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" PASSWORD :'password';

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
