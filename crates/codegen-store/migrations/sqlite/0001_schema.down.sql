DROP TABLE webhook_deliveries;
DROP TABLE run_logs;
DROP TABLE agent_runs;
DROP TABLE repositories;
DROP TABLE access_tokens;
DROP TABLE memberships;
DROP TABLE users;
DROP TABLE organizations;
