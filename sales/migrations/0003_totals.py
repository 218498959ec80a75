"""The sums of a board, kept by triggers instead of added up for each reader."""

from django.db import migrations, models

DAY = "CASE outcome WHEN 'open' THEN expected_close_date ELSE actual_close_date END"
BAND = "CASE WHEN probability >= 75 THEN 2 WHEN probability >= 40 THEN 1 ELSE 0 END"


def _sums(rows: str) -> str:
    """Return the statement that adds what ``rows`` (deals, each with its ``sign``) come to."""
    return f"""
    INSERT INTO sales_dealtotal (stage_id, grain, day, band, owner_id, n, value, weighted)
    SELECT stage_id, CASE WHEN grouping(day) = 0 THEN 'd' ELSE 'o' END, day, band, assigned_user_id,
           sum(sign), sum(sign * value_base), sum(sign * value_base * probability / 100)
      FROM (SELECT sign, stage_id, {DAY} AS day, {BAND} AS band, assigned_user_id, value_base, probability::numeric
              FROM ({rows}) changed WHERE deleted_at IS NULL AND archived_at IS NULL) counted
     GROUP BY GROUPING SETS ((stage_id, day, band), (stage_id, assigned_user_id))
    HAVING sum(sign) <> 0 OR sum(sign * value_base) <> 0 OR sum(sign * value_base * probability) <> 0;"""


SQL = f"""
CREATE FUNCTION sales_deal_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {_sums("SELECT 1 AS sign, * FROM fresh")}
    ELSIF TG_OP = 'DELETE' THEN {_sums("SELECT -1 AS sign, * FROM stale")}
    ELSE {_sums("SELECT 1 AS sign, * FROM fresh UNION ALL SELECT -1, * FROM stale")}
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER deal_totals_insert AFTER INSERT ON sales_deal REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION sales_deal_totals();
CREATE TRIGGER deal_totals_update AFTER UPDATE ON sales_deal REFERENCING NEW TABLE AS fresh OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION sales_deal_totals();
CREATE TRIGGER deal_totals_delete AFTER DELETE ON sales_deal REFERENCING OLD TABLE AS stale
    FOR EACH STATEMENT EXECUTE FUNCTION sales_deal_totals();

CREATE FUNCTION sales_recount_totals() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Writers wait, so that none adds a difference to what is being counted.
    LOCK TABLE sales_deal IN SHARE MODE;
    DELETE FROM sales_dealtotal;
    {_sums("SELECT 1 AS sign, * FROM sales_deal")}
END $$;

SELECT sales_recount_totals();
"""
BACK = """
DROP FUNCTION sales_deal_totals() CASCADE;
DROP FUNCTION sales_recount_totals();
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0002_history")]
    operations = [
        migrations.CreateModel(
            name="DealTotal",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("stage_id", models.UUIDField()),
                ("grain", models.CharField(choices=[("d", "By day"), ("o", "By owner")], max_length=1)),
                ("day", models.DateField(null=True)),
                ("band", models.SmallIntegerField(null=True)),
                ("owner_id", models.UUIDField(null=True)),
                ("n", models.IntegerField()),
                ("value", models.DecimalField(decimal_places=2, max_digits=24)),
                ("weighted", models.DecimalField(decimal_places=4, max_digits=28)),
            ],
        ),
        migrations.RunSQL(SQL, BACK),
    ]
