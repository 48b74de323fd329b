-- Times are microseconds since 1970 in UTC. JSON is text.

CREATE TABLE organizations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    enable_pr_creation BOOLEAN NOT NULL DEFAULT TRUE,
    enable_rules_detection BOOLEAN NOT NULL DEFAULT TRUE
);

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    github_username TEXT NOT NULL UNIQUE,
    github_user_id TEXT,
    email TEXT,
    full_name TEXT,
    avatar_url TEXT
);

CREATE TABLE memberships (
    organization_id BIGINT NOT NULL REFERENCES organizations (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('MEMBER', 'MANAGER', 'ADMIN')),
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, organization_id);

-- The token itself is nowhere: its SHA-256 is enough to recognise it.
CREATE TABLE access_tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id BIGINT NOT NULL REFERENCES users (id),
    prefix BLOB NOT NULL,
    digest BLOB NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX access_tokens_by_prefix ON access_tokens (prefix);

CREATE TABLE repositories (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id BIGINT NOT NULL REFERENCES organizations (id),
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Directory of the source tree on this machine; unknown when null.
    root TEXT,
    UNIQUE (organization_id, owner, name),
    UNIQUE (organization_id, id)
);

CREATE TABLE agent_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id BIGINT NOT NULL REFERENCES organizations (id),
    user_id BIGINT NOT NULL REFERENCES users (id),
    repository_id BIGINT NOT NULL,
    source_type TEXT NOT NULL,
    status TEXT NOT NULL,
    prompt TEXT NOT NULL,
    -- What the last resume asked; it comes before the prompt when it is there.
    resume_prompt TEXT,
    images TEXT,
    metadata TEXT,
    model TEXT,
    agent_type TEXT,
    result TEXT,
    summary TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    fence BIGINT NOT NULL DEFAULT 0,
    owner TEXT,
    lease_until BIGINT,
    attempt BIGINT NOT NULL DEFAULT 1,
    stop BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (organization_id, id),
    -- Both columns, so that a run can't point at another organization's repository.
    FOREIGN KEY (organization_id, repository_id) REFERENCES repositories (organization_id, id)
);
-- What a claim looks through: the runs that have not ended, oldest first.
CREATE INDEX agent_runs_open ON agent_runs (id) WHERE status IN ('PENDING', 'ACTIVE');

CREATE TABLE run_logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    organization_id BIGINT NOT NULL,
    agent_run_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    message_type TEXT NOT NULL,
    thought TEXT,
    tool_name TEXT,
    tool_input TEXT,
    tool_output TEXT,
    observation TEXT,
    FOREIGN KEY (organization_id, agent_run_id) REFERENCES agent_runs (organization_id, id)
);
CREATE INDEX run_logs_by_run ON run_logs (organization_id, agent_run_id, id);

CREATE TABLE webhook_deliveries (
    id TEXT NOT NULL PRIMARY KEY,
    event TEXT NOT NULL,
    payload BLOB NOT NULL,
    received_at BIGINT NOT NULL
);
