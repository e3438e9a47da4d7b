-- Why a bid was set aside at the opening, as codes of the rule book; and what an opening found is never changed afterwards.
-- transaction: yes

ALTER TABLE opened_bid ADD COLUMN problem_codes text[] NOT NULL DEFAULT '{}';

CREATE TRIGGER opened_bid_is_append_only BEFORE UPDATE OR DELETE ON opened_bid
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER opened_bid_is_never_emptied BEFORE TRUNCATE ON opened_bid EXECUTE FUNCTION refuse_change();
