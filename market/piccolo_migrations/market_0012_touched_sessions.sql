-- When a passkey was last used in a session: what binds others asks for it.
-- transaction: yes

ALTER TABLE session ADD COLUMN touched_at timestamptz;
