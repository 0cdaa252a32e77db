"""The statements of a posting, built once.

The lines travel as one array for each field, so that their number changes no statement. ``$1`` is always the tenant.
Every look-up is a sub-select of one row: with plain joins the planner, while it has no statistics of a young table,
reads all rows of the tenant instead, which made a posting three times as expensive. The arrays are sub-selects as well,
because a planner that sees their length makes a new plan for every posting.
"""

from __future__ import annotations

from erp_core.kernel.queries.pipeline import statement

# $2 line ids, $3 products, $4 from, $5 to, $6 quantities, then $7 posting, $8 moved at, $9 reason, $10 document, $11
# user, $12 the movement that is reversed; where lines name units, $13 holds those.
_RECORD = """
INSERT INTO inventory.movements (tenant_id, id, posting_id, product_id, from_location_id, to_location_id, quantity,
    given_quantity, given_unit_id, moved_at, reason, document, reverses_id, created_by)
SELECT $1::uuid, g.id, $7::uuid, g.product_id, g.from_id, g.to_id, {quantity}, {given_quantity}, {given_unit},
    coalesce($8::timestamptz, now()), $9::text, $10::text, $12::uuid, $11::uuid
FROM unnest((SELECT $2::uuid[]), (SELECT $3::uuid[]), (SELECT $4::uuid[]), (SELECT $5::uuid[]),
    (SELECT $6::numeric[]){unit_array}) WITH ORDINALITY
    AS g(id, product_id, from_id, to_id, quantity{unit_column}, n)
LEFT JOIN LATERAL (SELECT id, sku, archived_at, tracked, unit_id FROM core.products
    WHERE tenant_id = $1 AND id = g.product_id LIMIT 1) p ON true
LEFT JOIN LATERAL (SELECT id, code, archived_at FROM inventory.locations
    WHERE tenant_id = $1 AND id = g.from_id LIMIT 1) f ON true
LEFT JOIN LATERAL (SELECT id, code, archived_at FROM inventory.locations
    WHERE tenant_id = $1 AND id = g.to_id LIMIT 1) t ON true
{unit_joins}
WHERE CASE
    WHEN p.id IS NULL THEN core.refuse('unknown_reference', jsonb_build_object('n', g.n, 'field', 'product_id'))
    WHEN f.id IS NULL THEN core.refuse('unknown_reference', jsonb_build_object('n', g.n, 'field', 'from_location_id'))
    WHEN t.id IS NULL THEN core.refuse('unknown_reference', jsonb_build_object('n', g.n, 'field', 'to_location_id'))
    WHEN p.archived_at IS NOT NULL THEN
        core.refuse('archived_product', jsonb_build_object('n', g.n, 'field', 'product_id', 'product', p.sku))
    WHEN NOT p.tracked THEN
        core.refuse('untracked_product', jsonb_build_object('n', g.n, 'field', 'product_id', 'product', p.sku))
    WHEN f.archived_at IS NOT NULL THEN
        core.refuse('archived_location', jsonb_build_object('n', g.n, 'field', 'from_location_id', 'location', f.code))
    WHEN t.archived_at IS NOT NULL THEN
        core.refuse('archived_location', jsonb_build_object('n', g.n, 'field', 'to_location_id', 'location', t.code))
    {unit_faults}
    ELSE true END
"""

RECORD_OWN_UNITS = statement(
    _RECORD.format(
        quantity="g.quantity",
        given_quantity="NULL::numeric",
        given_unit="NULL::uuid",
        unit_array="",
        unit_column="",
        unit_joins="",
        unit_faults="",
    )
)

_PLAIN = "(g.unit_id IS NULL OR g.unit_id = p.unit_id)"
# Exact: whole millionths are counted with div and mod, because a division of numerics would round.
_TOP = "g.quantity * 1000000 * u.numerator * o.denominator"
_BOTTOM = "(u.denominator::numeric * o.numerator)"

RECORD_ANY_UNITS = statement(
    _RECORD.format(
        quantity=f"CASE WHEN {_PLAIN} THEN g.quantity ELSE div({_TOP}, {_BOTTOM}) * 0.000001 END",
        given_quantity=f"CASE WHEN {_PLAIN} THEN NULL ELSE g.quantity END",
        given_unit=f"CASE WHEN {_PLAIN} THEN NULL ELSE g.unit_id END",
        unit_array=", (SELECT $13::uuid[])",
        unit_column=", unit_id",
        unit_joins="""
LEFT JOIN LATERAL (SELECT * FROM core.units WHERE tenant_id = $1 AND id = p.unit_id LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT * FROM core.units WHERE tenant_id = $1 AND id = g.unit_id LIMIT 1) u ON true""",
        unit_faults=f"""
    WHEN {_PLAIN} THEN true
    WHEN u.id IS NULL THEN core.refuse('unknown_reference', jsonb_build_object('n', g.n, 'field', 'unit_id'))
    WHEN u.dimension <> o.dimension THEN
        core.refuse('unit_mismatch', jsonb_build_object(
            'n', g.n, 'field', 'unit_id', 'given', u.code, 'wanted', o.code))
    WHEN mod({_TOP}, {_BOTTOM}) <> 0 THEN core.refuse('inexact_quantity', jsonb_build_object(
        'n', g.n, 'field', 'quantity', 'quantity', trim_scale(g.quantity)::text || ' ' || u.code, 'decimals', 6))""",
    )
)

# $2 posting. One statement locks and changes every balance in the order of its key, so that two postings never wait
# for each other in a ring. What it proposes is stored only where there is no balance yet. The table's check is
# applied to a proposed row before the existing one is found, so a row that takes goods away claims that it may go
# below zero; where it may not, it is either turned into a change of the existing balance, which keeps its own flag,
# or refused because there is none. The foreign key on the flag would refuse it a second time. The locations are read
# after the movements' foreign keys have locked them: one that was archived in the meantime is seen.
APPLY = statement("""
WITH side AS (
    SELECT s.location_id, s.product_id, sum(s.quantity) AS change FROM inventory.movements m
    CROSS JOIN LATERAL (VALUES
        (m.to_location_id, m.product_id, m.quantity), (m.from_location_id, m.product_id, -m.quantity))
        AS s(location_id, product_id, quantity)
    WHERE m.tenant_id = $1::uuid AND m.posting_id = $2::uuid
    GROUP BY s.location_id, s.product_id
)
INSERT INTO inventory.balances AS b (tenant_id, id, location_id, product_id, on_hand, may_go_negative)
SELECT $1, gen_random_uuid(), s.location_id, s.product_id, s.change, l.may_go_negative OR s.change < 0
FROM side s
CROSS JOIN LATERAL (SELECT code, archived_at, may_go_negative FROM inventory.locations
    WHERE tenant_id = $1 AND id = s.location_id LIMIT 1) l
WHERE CASE
    WHEN l.archived_at IS NOT NULL THEN core.refuse('archived_location', jsonb_build_object('location', l.code))
    WHEN s.change >= 0 OR l.may_go_negative THEN true
    WHEN (SELECT true FROM inventory.balances e
          WHERE e.tenant_id = $1 AND e.location_id = s.location_id AND e.product_id = s.product_id) THEN true
    ELSE inventory.refuse_shortage($1, s.location_id, s.product_id, 0, -s.change) END
ORDER BY s.location_id, s.product_id
ON CONFLICT (tenant_id, location_id, product_id)
DO UPDATE SET on_hand = b.on_hand + excluded.on_hand, updated_at = now()
WHERE CASE WHEN b.may_go_negative OR excluded.on_hand >= 0 OR b.on_hand + excluded.on_hand >= b.reserved THEN true
    ELSE inventory.refuse_shortage($1, b.location_id, b.product_id, b.on_hand - b.reserved, -excluded.on_hand) END
""")

# $2 posting, $3 user, $4 request, $5 address, $6 audit entry, $7 outbox entry. Decimals are strings, because JSON
# readers round numbers.
NOTE = statement("""
WITH posting AS (
    SELECT jsonb_build_object(
        'id', $2::uuid, 'document', min(m.document), 'reason', min(m.reason), 'moved_at', min(m.moved_at),
        'moves', jsonb_agg(jsonb_build_object(
            'id', m.id, 'product_id', m.product_id, 'from_location_id', m.from_location_id,
            'to_location_id', m.to_location_id, 'quantity', trim_scale(m.quantity)::text,
            'given_quantity', trim_scale(m.given_quantity)::text, 'given_unit_id', m.given_unit_id,
            'reverses_id', m.reverses_id) ORDER BY m.id)) AS body
    FROM inventory.movements m WHERE m.tenant_id = $1::uuid AND m.posting_id = $2
),
audited AS (
    INSERT INTO core.audit_entries (tenant_id, id, user_id, request_id, address, resource, object_id, action, after)
    SELECT $1, $6::uuid, $3::uuid, $4::text, $5::text, 'core.movements', $2, 'post', body FROM posting
),
noted AS (
    INSERT INTO core.outbox (tenant_id, id, kind, name, payload, user_id, request_id)
    SELECT $1, $7::uuid, 'event', 'core.stock.moved', body, $3, $4 FROM posting
)
INSERT INTO core.outbox_pending (tenant_id, id, queue, name) VALUES ($1, $7, 'core', 'core.stock.moved')
""")

# $2 outbox entry, $3 locations and $4 products: the keys of the balances, as two arrays of one length.
ANSWER = statement("""
SELECT (o.payload || jsonb_build_object('levels', (
    SELECT jsonb_agg(jsonb_build_object('location_id', b.location_id, 'product_id', b.product_id,
        'on_hand', trim_scale(b.on_hand)::text, 'reserved', trim_scale(b.reserved)::text,
        'available', trim_scale(b.available)::text) ORDER BY b.location_id, b.product_id)
    FROM unnest((SELECT $3::uuid[]), (SELECT $4::uuid[])) AS k(location_id, product_id)
    CROSS JOIN LATERAL (SELECT * FROM inventory.balances
        WHERE tenant_id = $1 AND location_id = k.location_id AND product_id = k.product_id LIMIT 1) b)))::text
FROM core.outbox o WHERE o.tenant_id = $1::uuid AND o.id = $2::uuid
""")
