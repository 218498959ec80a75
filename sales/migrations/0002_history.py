"""A deal's pipeline and outcome are its stage's; every change of stage is one row of its history."""

from django.db import migrations

SQL = """
ALTER TABLE sales_deal ADD CONSTRAINT deal_follows_its_stage
    FOREIGN KEY (stage_id, pipeline_id, outcome) REFERENCES sales_stage (id, pipeline_id, outcome)
    ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION sales_deal_history() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    left_stage uuid; since timestamptz; actor uuid;
BEGIN
    -- An undo puts the history back itself.
    IF current_setting('rapport.undoing', true) = 'on' THEN RETURN NULL; END IF;
    IF TG_OP = 'UPDATE' THEN
        left_stage := OLD.stage_id;
        since := OLD.entered_stage_at;
    END IF;
    SELECT id INTO actor FROM accounts_user
     WHERE id = nullif(current_setting('rapport.user', true), '')::uuid;
    INSERT INTO sales_stagechange (id, created_at, updated_at, deal_id, from_stage_id, to_stage_id, user_id,
                                   happened_at, seconds_in_stage, value)
    VALUES (rapport_uuid7(), now(), now(), NEW.id, left_stage, NEW.stage_id, actor, NEW.entered_stage_at,
            CASE WHEN since IS NULL THEN NULL
                 ELSE greatest(0, extract(epoch FROM NEW.entered_stage_at - since))::bigint END,
            NEW.value);
    RETURN NULL;
END $$;

CREATE FUNCTION sales_deal_entered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.stage_id <> OLD.stage_id AND NEW.entered_stage_at = OLD.entered_stage_at
       AND current_setting('rapport.undoing', true) IS DISTINCT FROM 'on' THEN
        NEW.entered_stage_at := now();
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER deal_entered BEFORE UPDATE OF stage_id ON sales_deal
    FOR EACH ROW EXECUTE FUNCTION sales_deal_entered();
CREATE TRIGGER deal_began AFTER INSERT ON sales_deal FOR EACH ROW EXECUTE FUNCTION sales_deal_history();
CREATE TRIGGER deal_moved AFTER UPDATE OF stage_id ON sales_deal
    FOR EACH ROW WHEN (OLD.stage_id IS DISTINCT FROM NEW.stage_id) EXECUTE FUNCTION sales_deal_history();
"""
BACK = """
ALTER TABLE sales_deal DROP CONSTRAINT deal_follows_its_stage;
DROP FUNCTION sales_deal_history() CASCADE;
DROP FUNCTION sales_deal_entered() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_initial"), ("activity", "0003_log")]
    operations = [migrations.RunSQL(SQL, BACK)]
