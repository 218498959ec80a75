"""The last activity of customers, companies and deals, kept by triggers so that no way of writing can forget it."""

from django.db import migrations

# What is planned is no activity yet; clocks of two machines may differ a little.
PAST = "deleted_at IS NULL AND happened_at <= clock_timestamp() + interval '1 minute'"
ABOUT = (("customers_customer", "customer_id"), ("customers_company", "company_id"), ("sales_deal", "deal_id"))


def _advance(table: str, column: str) -> str:
    """Return the statement that takes over newer interactions of ``fresh``."""
    return f"""
    WITH newest AS (
        SELECT DISTINCT ON ({column}) {column} AS key, happened_at, id FROM fresh
         WHERE {column} IS NOT NULL AND {PAST} ORDER BY {column}, happened_at DESC, id DESC
    ), held AS (
        SELECT t.id FROM {table} t JOIN newest n ON n.key = t.id
         WHERE t.last_activity_at IS NULL OR (t.last_activity_at, t.last_activity_id) < (n.happened_at, n.id)
         ORDER BY t.id FOR NO KEY UPDATE OF t
    )
    UPDATE {table} t SET last_activity_at = n.happened_at, last_activity_id = n.id FROM newest n, held
     WHERE t.id = n.key AND held.id = t.id;"""


def _settle(table: str, column: str, ids: str) -> str:
    """Return the statement that works out the last activity of some records anew."""
    return f"""
    WITH held AS (SELECT id FROM {table} WHERE id = ANY({ids}) ORDER BY id FOR NO KEY UPDATE),
    newest AS (
        SELECT held.id AS key, i.happened_at, i.id FROM held LEFT JOIN LATERAL (
            SELECT happened_at, id FROM communications_interaction WHERE {column} = held.id AND {PAST}
             ORDER BY happened_at DESC, id DESC LIMIT 1
        ) i ON true
    )
    UPDATE {table} t SET last_activity_at = n.happened_at, last_activity_id = n.id FROM newest n
     WHERE t.id = n.key AND (t.last_activity_at, t.last_activity_id) IS DISTINCT FROM (n.happened_at, n.id);"""


def _recount(table: str, column: str) -> str:
    """Return the statement that works out the last activity of all records anew."""
    return f"""
    UPDATE {table} t SET last_activity_at = n.happened_at, last_activity_id = n.id
      FROM (SELECT DISTINCT ON ({column}) {column} AS key, happened_at, id FROM communications_interaction
             WHERE {column} IS NOT NULL AND {PAST} ORDER BY {column}, happened_at DESC, id DESC) n
     WHERE t.id = n.key AND (t.last_activity_at, t.last_activity_id) IS DISTINCT FROM (n.happened_at, n.id);"""


SQL = f"""
CREATE FUNCTION communications_settle_activity(customers uuid[], companies uuid[], deals uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
{"".join(_settle(table, column, ids) for (table, column), ids in zip(ABOUT, ("customers", "companies", "deals"), strict=True))}
END $$;

CREATE FUNCTION communications_keep_activity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {"".join(_advance(*one) for one in ABOUT)}
    ELSE
        PERFORM communications_settle_activity(
            array_agg(DISTINCT customer_id), array_agg(DISTINCT company_id), array_agg(DISTINCT deal_id)) FROM changed;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION communications_activity_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE customers uuid[]; companies uuid[]; deals uuid[];
BEGIN
    SELECT array_agg(one.customer_id), array_agg(one.company_id), array_agg(one.deal_id) INTO customers, companies, deals
      FROM stale JOIN fresh USING (id)
      CROSS JOIN LATERAL (VALUES (stale.customer_id, stale.company_id, stale.deal_id),
                                 (fresh.customer_id, fresh.company_id, fresh.deal_id)) one(customer_id, company_id, deal_id)
     WHERE (stale.customer_id, stale.company_id, stale.deal_id, stale.happened_at, stale.deleted_at)
           IS DISTINCT FROM (fresh.customer_id, fresh.company_id, fresh.deal_id, fresh.happened_at, fresh.deleted_at);
    IF customers IS NOT NULL THEN
        PERFORM communications_settle_activity(customers, companies, deals);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER interaction_tells AFTER INSERT ON communications_interaction REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION communications_keep_activity();
CREATE TRIGGER interaction_changed AFTER UPDATE ON communications_interaction REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION communications_activity_changed();
CREATE TRIGGER interaction_gone AFTER DELETE ON communications_interaction REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION communications_keep_activity();

CREATE FUNCTION communications_recount_activity() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
{"".join(_recount(*one) for one in ABOUT)}
END $$;

SELECT communications_recount_activity();
"""
BACK = """
DROP FUNCTION communications_keep_activity() CASCADE;
DROP FUNCTION communications_activity_changed() CASCADE;
DROP FUNCTION communications_settle_activity(uuid[], uuid[], uuid[]);
DROP FUNCTION communications_recount_activity();
"""


class Migration(migrations.Migration):
    dependencies = [("communications", "0001_initial"), ("customers", "0003_last_activity"), ("sales", "0005_last_activity")]
    operations = [migrations.RunSQL(SQL, BACK)]
