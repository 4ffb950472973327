-- Initial schema: users, posts, sessions, chat_messages, oauth_tokens
--
-- Revision ID: 9e9e70a4a06b
-- Revises:
-- Create Date: 2026-01-15 02:12:42.274615

-- migrate:up

-- The people who signed in with LinkedIn.
CREATE TABLE users (
    id INTEGER NOT NULL,
    linkedin_sub VARCHAR(255) NOT NULL,
    email VARCHAR(255),
    name VARCHAR(255),
    profile_picture_url VARCHAR(1024),
    access_token VARCHAR(1024),
    refresh_token VARCHAR(1024),
    token_expires_at DATETIME,
    created_at DATETIME NOT NULL,
    last_login_at DATETIME,
    PRIMARY KEY (id),
    UNIQUE (linkedin_sub)
);

-- The application's own access to each platform it posts to: LINKEDIN, TWITTER, BLOG.
CREATE TABLE oauth_tokens (
    id INTEGER NOT NULL,
    platform VARCHAR(8) NOT NULL,
    access_token VARCHAR(1024) NOT NULL,
    refresh_token VARCHAR(1024),
    expires_at DATETIME,
    user_sub VARCHAR(255),
    user_email VARCHAR(255),
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (platform)
);

CREATE TABLE sessions (
    id VARCHAR(255) NOT NULL,
    user_id INTEGER NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);

CREATE TABLE chat_messages (
    id INTEGER NOT NULL,
    user_id INTEGER,
    role VARCHAR(20) NOT NULL,
    content TEXT NOT NULL,
    created_at DATETIME NOT NULL,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);

-- What is written, and what became of it.
-- Status: DRAFT, APPROVED, SCHEDULED, POSTED, FAILED or REJECTED.
CREATE TABLE posts (
    id INTEGER NOT NULL,
    content TEXT NOT NULL,
    platform VARCHAR(8) NOT NULL,
    status VARCHAR(9) NOT NULL,
    user_id INTEGER,
    is_demo BOOLEAN NOT NULL,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL,
    scheduled_at DATETIME,
    posted_at DATETIME,
    external_id VARCHAR(255),
    error_message TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (user_id) REFERENCES users (id)
);

-- migrate:down

-- Tables that refer to users go before it.
DROP TABLE posts;
DROP TABLE chat_messages;
DROP TABLE sessions;
DROP TABLE oauth_tokens;
DROP TABLE users;
