-- A change of a contract names how its ground is met, is approved by a second person, and may wait for a standstill. What was
-- proposed stays what it is, and no date of it is set twice or taken away.
-- transaction: yes

ALTER TABLE contract_change
    -- How the ground is met: the answer to what the Act asks for it.
    ADD COLUMN reasons text NOT NULL DEFAULT '',
    -- The words of contract and tender that it relies on; empty where the ground relies on none.
    ADD COLUMN clause text NOT NULL DEFAULT '',
    -- The buyer's statement that nature and scope of the contract stay as they are.
    ADD COLUMN same boolean NOT NULL DEFAULT false,
    -- Whether the buyer chose a standstill between the notice and the change.
    ADD COLUMN standstill boolean NOT NULL DEFAULT false,
    -- The last day when it was proposed; NULL where it leaves the last day alone.
    ADD COLUMN old_ends_on date,
    -- When a second person of the buyer approved it and its notice was published; NULL before.
    ADD COLUMN approved_at timestamptz,
    ADD COLUMN approved_by integer REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT,
    -- The last moment at which the supplier may not agree yet; NULL without a standstill.
    ADD COLUMN standstill_ends_at timestamptz;

CREATE FUNCTION keep_contract_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    dated text[] := '{approved_at,approved_by,standstill_ends_at,agreed_at,agreed_by,left_at,left_by}';
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a change of a contract is never deleted' USING ERRCODE = 'restrict_violation';
    END IF;
    IF to_jsonb(NEW) - dated IS DISTINCT FROM to_jsonb(OLD) - dated
        OR (OLD.approved_at IS NOT NULL AND (NEW.approved_at, NEW.approved_by, NEW.standstill_ends_at)
            IS DISTINCT FROM (OLD.approved_at, OLD.approved_by, OLD.standstill_ends_at))
        OR (OLD.agreed_at IS NOT NULL AND (NEW.agreed_at, NEW.agreed_by) IS DISTINCT FROM (OLD.agreed_at, OLD.agreed_by))
        OR (OLD.left_at IS NOT NULL AND (NEW.left_at, NEW.left_by) IS DISTINCT FROM (OLD.left_at, OLD.left_by))
    THEN
        RAISE EXCEPTION 'a change of a contract keeps what was proposed and every date that was set'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER contract_change_is_kept BEFORE UPDATE OR DELETE ON contract_change
    FOR EACH ROW EXECUTE FUNCTION keep_contract_change();
