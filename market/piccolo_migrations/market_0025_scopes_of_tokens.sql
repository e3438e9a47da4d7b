-- What a program may do with a token. Tokens from before (NULL) keep everything until they end.
-- transaction: yes

ALTER TABLE api_token ADD COLUMN scopes text[];
ALTER TABLE api_token ADD CONSTRAINT a_token_may_do_something CHECK (cardinality(scopes) > 0);

-- What a token is, whose, for what and until when stays as it was made; out of force it stays out of force.
CREATE FUNCTION refuse_another_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.ref, NEW.person, NEW.token_hash, NEW.scopes, NEW.created_at, NEW.expires_at)
        IS DISTINCT FROM (OLD.ref, OLD.person, OLD.token_hash, OLD.scopes, OLD.created_at, OLD.expires_at)
       OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)
    THEN
        RAISE EXCEPTION 'a token stays as it was made' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER api_token_stays BEFORE UPDATE ON api_token FOR EACH ROW EXECUTE FUNCTION refuse_another_token();
