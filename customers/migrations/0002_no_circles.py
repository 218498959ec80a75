"""No circle of parent companies, whoever writes: also for two requests at once."""

from django.db import migrations

SQL = """
CREATE FUNCTION customers_company_no_circle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
    -- Two requests that would close a circle together wait for each other here.
    PERFORM pg_advisory_xact_lock(hashtext('customers_company_parent'));
    IF EXISTS (
        WITH RECURSIVE above AS (
            SELECT id, parent_id FROM customers_company WHERE id = NEW.parent_id
            UNION SELECT c.id, c.parent_id FROM customers_company c JOIN above a ON c.id = a.parent_id
        ) SELECT 1 FROM above WHERE id = NEW.id
    ) THEN
        RAISE EXCEPTION 'company parents form a circle'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'company_parent_no_circle', COLUMN = 'parent_id';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER company_no_circle AFTER INSERT OR UPDATE OF parent_id ON customers_company
    FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL) EXECUTE FUNCTION customers_company_no_circle();
"""
BACK = "DROP FUNCTION customers_company_no_circle() CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]
    operations = [migrations.RunSQL(SQL, BACK)]
