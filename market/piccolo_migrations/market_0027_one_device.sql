-- Two who act from one device: the mark of a browser beside its sessions, and payments that wait until an auditor has looked.
-- transaction: yes

ALTER TABLE session ADD COLUMN device varchar(64) NOT NULL DEFAULT '';
CREATE INDEX session_device ON session (device);

CREATE TABLE hold (
    id          serial      PRIMARY KEY,
    payment     integer     NOT NULL REFERENCES payment ON DELETE RESTRICT ON UPDATE RESTRICT,
    accepted_by varchar(16) NOT NULL DEFAULT '',
    released_by varchar(16) NOT NULL DEFAULT '',
    held_at     timestamptz NOT NULL,
    until       timestamptz NOT NULL,
    looked_at   timestamptz,
    looked_by   varchar(16) NOT NULL DEFAULT '',
    found       text        NOT NULL DEFAULT '',
    CONSTRAINT a_payment_is_held_once UNIQUE (payment)
);
CREATE INDEX hold_payment ON hold (payment);

CREATE FUNCTION refuse_another_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.looked_at IS NULL
            AND (NEW.id, NEW.payment, NEW.accepted_by, NEW.released_by, NEW.held_at, NEW.until)
                = (OLD.id, OLD.payment, OLD.accepted_by, OLD.released_by, OLD.held_at, OLD.until)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% keeps why money waited: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER hold_keeps_why_money_waited BEFORE UPDATE OR DELETE ON hold FOR EACH ROW EXECUTE FUNCTION refuse_another_hold();
CREATE TRIGGER hold_is_never_emptied BEFORE TRUNCATE ON hold EXECUTE FUNCTION refuse_change();
