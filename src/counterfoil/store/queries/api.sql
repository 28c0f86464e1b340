-- name: token_put
-- A new token; only its hash.
insert into api_tokens (user_id, username, name, secret_hash, scopes, created_ms, expires_ms)
values (:user_id, :username, :name, :secret_hash, :scopes, :now, :expires_ms) returning id;

-- name: token_by_hash
-- The token a caller showed (index: unique secret_hash).
select id, user_id, username, name, scopes, expires_ms, last_used_ms, ended_ms from api_tokens
where secret_hash = :secret_hash;

-- name: token_used
-- When a token was last used, to the hour.
update api_tokens set last_used_ms = :now where id = :id and coalesce(last_used_ms, 0) < :before;

-- name: tokens_of
-- A person's tokens, newest first (index: api_tokens_user).
select id, username, name, scopes, created_ms, expires_ms, last_used_ms, ended_ms, ended_by from api_tokens
where user_id = :user_id order by id desc limit :rows;

-- name: token_end
-- A token ends now, for one of its owner's or, by an administrator, for anybody's.
update api_tokens set ended_ms = :now, ended_by = :by
where id = :id and ended_ms is null and user_id = :user_id;

-- name: tokens_end_all
-- Every token of a person ends now.
update api_tokens set ended_ms = :now, ended_by = :by where user_id = :user_id and ended_ms is null;

-- name: answer_claim
-- Take a key for a write; nothing when it was used before.
insert into api_answers (user_id, idempotency_key, fingerprint, at_ms)
values (:user_id, :key, :fingerprint, :now) on conflict (user_id, idempotency_key) do nothing;

-- name: answer_keep
-- The answer a write got.
update api_answers set status = :status, body = :body where user_id = :user_id and idempotency_key = :key;

-- name: answer_get
-- What a key was used for, and its answer.
select fingerprint, status, body from api_answers where user_id = :user_id and idempotency_key = :key;

-- name: answers_forget
-- A few answers nobody will ask for again (index: api_answers_old).
delete from api_answers where (user_id, idempotency_key) in (
    select user_id, idempotency_key from api_answers where at_ms < :before order by at_ms limit :rows
);

-- name: tokens_living
-- How many tokens each person has that open something (index: api_tokens_living).
select user_id, count(*) as tokens from api_tokens where ended_ms is null and expires_ms > :now group by user_id;
