"""A large base with believable shapes, made by the database itself: skewed owners, long tails, a year of history."""

from django.db import connection

SIZES = "CREATE TEMP TABLE size AS SELECT {customers}::bigint AS customers, {deals}::bigint AS deals, {rows}::bigint AS rows;"

# The triggers are off while seeding (the log of a million invented rows measures nothing); indexes are on.
STEPS = (
    "SET session_replication_role = replica",
    """INSERT INTO accounts_team (id, created_at, updated_at, name, version)
       SELECT rapport_uuid7(), now(), now(), 'Bench team ' || i, 1 FROM generate_series(1, 5) i""",
    """INSERT INTO accounts_user (id, created_at, updated_at, email, password, first_name, last_name, role_id, team_id,
           department, phone, is_active, time_zone, language, theme, density, single_key_shortcuts, auth_epoch, version,
           is_superuser)
       SELECT rapport_uuid7(), now(), now(), 'bench' || i || '@bench.example', '!', 'Rep', 'Number ' || i,
              (SELECT id FROM accounts_role WHERE code = 'SALES_REP'),
              (SELECT id FROM accounts_team WHERE name = 'Bench team ' || (1 + i % 5)),
              '', '', true, 'UTC', 'en', 'auto', 'default', true, 1, 1, false
         FROM generate_series(1, 40) i""",
    """CREATE TEMP TABLE rep AS SELECT row_number() OVER (ORDER BY email) AS n, id FROM accounts_user
        WHERE email LIKE 'bench%'""",
    """CREATE TEMP TABLE word AS SELECT row_number() OVER () AS n, w FROM unnest(ARRAY['Amber', 'Birch', 'Cobalt', 'Dover',
       'Elm', 'Falcon', 'Garnet', 'Harbour', 'Indigo', 'Juniper', 'Kestrel', 'Linden', 'Meridian', 'Northgate', 'Orchard',
       'Pine', 'Quarry', 'Redwood', 'Sable', 'Tideline', 'Umber', 'Vantage', 'Willow', 'Yarrow', 'Zephyr']) w""",
    """INSERT INTO customers_company (id, created_at, updated_at, version, custom, name, domain, website, phone, email, industry,
           employees, annual_revenue, currency, address, description, source, assigned_user_id, is_active)
       SELECT rapport_uuid7(), now() - i * interval '7 minutes', now() - i * interval '3 minutes', 1, '{}',
              (SELECT w FROM word WHERE n = 1 + i % 25) || ' ' || (SELECT w FROM word WHERE n = 1 + (i / 25) % 25) || ' ' || i,
              'company' || i || '.example', '', '', '',
              (ARRAY['Manufacturing', 'Logistics', 'Healthcare', 'Retail', 'Finance', 'Energy'])[1 + i % 6],
              10 + (i * 37) % 5000, 10000 + (i * 7919) % 90000000, 'USD', '{}', '', '',
              (SELECT id FROM rep WHERE n = 1 + i % 40), true
         FROM generate_series(1, (SELECT greatest(customers / 10, 1) FROM size)) i""",
    "CREATE TEMP TABLE firm AS SELECT row_number() OVER (ORDER BY id) AS n, id FROM customers_company",
    "CREATE UNIQUE INDEX ON firm (n)",
    """INSERT INTO customers_customer (id, created_at, updated_at, version, custom, email, first_name, last_name, salutation,
           company_id, job_title, department, phone, website, address, status, source, description, score, lifetime_value,
           assigned_user_id, is_active)
       SELECT rapport_uuid7(), now() - i * interval '5 minutes', now() - i * interval '2 minutes', 1, '{}',
              'person' || i || '@company' || i % 5000 || '.example',
              (ARRAY['Ana', 'Bram', 'Chen', 'Dora', 'Emil', 'Fatima', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kavya', 'Luca', 'Mei',
                     'Nils', 'Olga', 'Priya', 'Quinn', 'Rosa', 'Sven', 'Tomás'])[1 + i % 20],
              (SELECT w FROM word WHERE n = 1 + (i / 20) % 25) || 'son ' || i, '',
              (SELECT id FROM firm WHERE n = 1 + (i * 7) % (SELECT count(*) FROM firm)),
              (ARRAY['Buyer', 'Head of operations', 'CFO', 'Engineer', 'Assistant'])[1 + i % 5], '',
              '+1555' || lpad((i % 10000000)::text, 7, '0'), '', '{}',
              (ARRAY['LEAD', 'LEAD', 'LEAD', 'PROSPECT', 'CUSTOMER', 'CUSTOMER', 'INACTIVE'])[1 + i % 7],
              (ARRAY['Web', 'Fair', 'Referral', 'Call'])[1 + i % 4], '', i % 100, (i * 31) % 250000,
              (SELECT id FROM rep WHERE n = 1 + (i * 3) % 40), true
         FROM generate_series(1, (SELECT customers FROM size)) i""",
    "CREATE TEMP TABLE person AS SELECT row_number() OVER (ORDER BY id) AS n, id, company_id FROM customers_customer",
    "CREATE UNIQUE INDEX ON person (n)",
    """CREATE TEMP TABLE step AS SELECT row_number() OVER (ORDER BY s.position) AS n, s.id, s.pipeline_id, s.outcome, s.probability
         FROM sales_stage s JOIN sales_pipeline p ON p.id = s.pipeline_id WHERE p.is_default""",
    """INSERT INTO sales_deal (id, created_at, updated_at, version, custom, title, description, value, currency, exchange_rate,
           pipeline_id, stage_id, outcome, probability, entered_stage_at, expected_close_date, actual_close_date, customer_id,
           company_id, source, next_step, close_note, competitor, assigned_user_id, is_active, external_id, rank)
       SELECT rapport_uuid7(), now() - d.i * interval '9 minutes', now() - d.i * interval '4 minutes', 1, '{}',
              (SELECT w FROM word WHERE n = 1 + d.i % 25) || ' rollout ' || d.i, '', 500 + (d.i * 7919) % 120000, 'USD', 1,
              st.pipeline_id, st.id, st.outcome, st.probability, now() - (d.i % 90) * interval '1 day',
              (now() + ((d.i % 120) - 30) * interval '1 day')::date,
              CASE WHEN st.outcome <> 'open' THEN (now() - (d.i % 365) * interval '1 day')::date END,
              p.id, p.company_id, '', '', '', '', (SELECT id FROM rep WHERE n = 1 + (d.i * 11) % 40), true, '', d.i
         FROM generate_series(1, (SELECT deals FROM size)) d(i)
         JOIN person p ON p.n = 1 + (d.i * 13) % (SELECT customers FROM size)
         JOIN step st ON st.n = 1 + d.i % (SELECT count(*) FROM step)""",
    """INSERT INTO communications_interaction (id, created_at, updated_at, version, custom, type, subject, content, direction,
           customer_id, company_id, user_id, completed_at, outcome)
       SELECT rapport_uuid7(), now() - i * interval '1 minute', now() - i * interval '1 minute', 1, '{}',
              (ARRAY['EMAIL', 'CALL', 'MEETING'])[1 + i % 3], 'About the ' || (SELECT w FROM word WHERE n = 1 + i % 25) || ' offer',
              'We spoke about the dates and the price of the second phase.',
              (ARRAY['INBOUND', 'OUTBOUND'])[1 + i % 2], p.id, p.company_id, (SELECT id FROM rep WHERE n = 1 + (i * 3) % 40),
              now() - i * interval '1 minute', ''
         FROM generate_series(1, (SELECT rows FROM size)) i
         JOIN person p ON p.n = 1 + (i * 17) % (SELECT customers FROM size)""",
    """INSERT INTO tasks_task (id, created_at, updated_at, version, custom, title, description, type, priority, status, due_date,
           completed_at, outcome, customer_id, assigned_user_id)
       SELECT rapport_uuid7(), now() - i * interval '11 minutes', now(), 1, '{}', 'Call about phase ' || i, '', 'FOLLOW_UP', 'MEDIUM',
              CASE WHEN i % 4 = 0 THEN 'PENDING' ELSE 'COMPLETED' END, now() + ((i % 60) - 20) * interval '1 day',
              CASE WHEN i % 4 = 0 THEN NULL ELSE now() - (i % 30) * interval '1 day' END, '', p.id,
              (SELECT id FROM rep WHERE n = 1 + (i * 3) % 40)
         FROM generate_series(1, (SELECT customers / 2 FROM size)) i
         JOIN person p ON p.n = 1 + (i * 19) % (SELECT customers FROM size)""",
    "SET session_replication_role = DEFAULT",
    "SELECT sales_recount_totals(), communications_recount_activity()",  # what triggers would have kept
    "ANALYZE",
)


def seed(*, customers: int, deals: int, rows: int) -> None:
    """Fill an empty, migrated base with so many customers, deals and interactions."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(SIZES.format(customers=customers, deals=deals, rows=rows))
        for step in STEPS:
            cursor.execute(step)
