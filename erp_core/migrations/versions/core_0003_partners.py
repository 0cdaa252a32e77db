"""Partners, their addresses, contacts and identifiers; currencies and countries."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from erp_core.kernel.migrations.ops import mutable_columns, open_table, protect, text_c

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

DIGITS = {
    "ARS": 2, "BBD": 2, "BOB": 2, "BRL": 2, "BSD": 2, "BZD": 2, "CAD": 2, "CHF": 2, "CLP": 0, "CNY": 2,
    "COP": 2, "CRC": 2, "CUP": 2, "DOP": 2, "EUR": 2, "GBP": 2, "GTQ": 2, "GYD": 2, "HNL": 2, "HTG": 2,
    "JMD": 2, "JPY": 0, "MXN": 2, "NIO": 2, "PAB": 2, "PEN": 2, "PYG": 0, "SRD": 2, "TTD": 2, "USD": 2,
    "UYU": 2, "VES": 2, "XCD": 2,
}  # fmt: skip
COUNTRIES = (
    ("AG", "Antigua y Barbuda", "Antigua and Barbuda"),
    ("AR", "Argentina", "Argentina"),
    ("AT", "Austria", "Austria"),
    ("AU", "Australia", "Australia"),
    ("BB", "Barbados", "Barbados"),
    ("BE", "Bélgica", "Belgium"),
    ("BO", "Bolivia", "Bolivia"),
    ("BR", "Brasil", "Brazil"),
    ("BS", "Bahamas", "Bahamas"),
    ("BZ", "Belice", "Belize"),
    ("CA", "Canadá", "Canada"),
    ("CH", "Suiza", "Switzerland"),
    ("CL", "Chile", "Chile"),
    ("CN", "China", "China"),
    ("CO", "Colombia", "Colombia"),
    ("CR", "Costa Rica", "Costa Rica"),
    ("CU", "Cuba", "Cuba"),
    ("DE", "Alemania", "Germany"),
    ("DK", "Dinamarca", "Denmark"),
    ("DM", "Dominica", "Dominica"),
    ("DO", "República Dominicana", "Dominican Republic"),
    ("EC", "Ecuador", "Ecuador"),
    ("ES", "España", "Spain"),
    ("FI", "Finlandia", "Finland"),
    ("FR", "Francia", "France"),
    ("GB", "Reino Unido", "United Kingdom"),
    ("GD", "Granada", "Grenada"),
    ("GT", "Guatemala", "Guatemala"),
    ("GY", "Guyana", "Guyana"),
    ("HN", "Honduras", "Honduras"),
    ("HT", "Haití", "Haiti"),
    ("IE", "Irlanda", "Ireland"),
    ("IN", "India", "India"),
    ("IT", "Italia", "Italy"),
    ("JM", "Jamaica", "Jamaica"),
    ("JP", "Japón", "Japan"),
    ("KN", "San Cristóbal y Nieves", "Saint Kitts and Nevis"),
    ("KR", "Corea del Sur", "South Korea"),
    ("LC", "Santa Lucía", "Saint Lucia"),
    ("MX", "México", "Mexico"),
    ("NI", "Nicaragua", "Nicaragua"),
    ("NL", "Países Bajos", "Netherlands"),
    ("NO", "Noruega", "Norway"),
    ("PA", "Panamá", "Panama"),
    ("PE", "Perú", "Peru"),
    ("PL", "Polonia", "Poland"),
    ("PR", "Puerto Rico", "Puerto Rico"),
    ("PT", "Portugal", "Portugal"),
    ("PY", "Paraguay", "Paraguay"),
    ("SE", "Suecia", "Sweden"),
    ("SR", "Surinam", "Suriname"),
    ("SV", "El Salvador", "El Salvador"),
    ("TR", "Turquía", "Türkiye"),
    ("TT", "Trinidad y Tobago", "Trinidad and Tobago"),
    ("TW", "Taiwán", "Taiwan"),
    ("US", "Estados Unidos", "United States"),
    ("UY", "Uruguay", "Uruguay"),
    ("VC", "San Vicente y las Granadinas", "Saint Vincent and the Grenadines"),
    ("VE", "Venezuela", "Venezuela"),
)


def upgrade() -> None:
    _global_lists()
    _partners()
    _addresses()
    _contacts()
    _tax_ids()


def downgrade() -> None:
    for table in ("partner_tax_ids", "partner_contacts", "partner_addresses", "partners", "countries", "currencies"):
        op.drop_table(table, schema="core")


def _text(name: str, *, required: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = None if default is None else sa.text(default)
    return sa.Column(name, text_c(), nullable=not required, server_default=server_default)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"))


def _index(table: str, *columns: str) -> None:
    names = ["tenant_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names, schema="core")


def _of_partner(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["tenant_id", "partner_id"],
        ["core.partners.tenant_id", "core.partners.id"],
        name=f"fk_{table}_tenant_id_partner_id",
        ondelete="CASCADE",
    )


def _global_lists() -> None:
    currencies = op.create_table(
        "currencies",
        _text("code", required=True),
        sa.Column("digits", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_currencies"),
        schema="core",
    )
    op.bulk_insert(currencies, [{"code": code, "digits": digits} for code, digits in DIGITS.items()])
    open_table("core.currencies")
    countries = op.create_table(
        "countries",
        _text("code", required=True),
        _text("name", required=True),
        _text("name_en", required=True),
        sa.PrimaryKeyConstraint("code", name="pk_countries"),
        schema="core",
    )
    op.bulk_insert(countries, [{"code": code, "name": name, "name_en": name_en} for code, name, name_en in COUNTRIES])
    open_table("core.countries")


def _partners() -> None:
    columns = ("name", "legal_name", "code", "tax_id")
    key = "core.fold(" + " || ' ' || ".join(f"coalesce({column}, '')" for column in columns) + ")"
    op.create_table(
        "partners",
        *mutable_columns(),
        _text("code", required=True),
        _text("name", required=True),
        _text("legal_name"),
        _text("kind", required=True),
        _flag("is_customer"),
        _flag("is_supplier"),
        _text("email"),
        _text("phone"),
        _text("language", required=True, default="'es_MX'"),
        _text("currency", required=True, default="'MXN'"),
        _text("tax_country"),
        _text("tax_id"),
        _text("notes"),
        sa.Column("name_key", text_c(), sa.Computed(key, persisted=True), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_partners"),
        sa.UniqueConstraint("tenant_id", "code", name="uq_partners_tenant_id_code"),
        sa.CheckConstraint("kind IN ('person', 'company')", name="ck_partners_kind"),
        sa.CheckConstraint("tax_id IS NULL OR tax_country IS NOT NULL", name="ck_partners_tax_country"),
        schema="core",
    )
    for column in ("name_key", "created_at", "tax_id", "email", "is_customer", "is_supplier"):
        _index("partners", column, "id")
    protect("core.partners")


def _addresses() -> None:
    op.create_table(
        "partner_addresses",
        *mutable_columns(),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        _text("kind", required=True),
        _text("street", required=True),
        _text("exterior"),
        _text("interior"),
        _text("neighbourhood"),
        _text("city"),
        _text("state"),
        _text("postal_code"),
        _text("country", required=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_partner_addresses"),
        _of_partner("partner_addresses"),
        sa.CheckConstraint("kind IN ('fiscal', 'delivery', 'other')", name="ck_partner_addresses_kind"),
        sa.CheckConstraint(
            "country <> 'MX' OR postal_code IS NULL OR postal_code ~ '^[0-9]{5}$'",
            name="ck_partner_addresses_postal_code",
        ),
        schema="core",
    )
    for column in ("partner_id", "postal_code", "created_at"):
        _index("partner_addresses", column, "id")
    protect("core.partner_addresses")


def _contacts() -> None:
    op.create_table(
        "partner_contacts",
        *mutable_columns(),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        _text("name", required=True),
        _text("role"),
        _text("email"),
        _text("phone"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_partner_contacts"),
        _of_partner("partner_contacts"),
        schema="core",
    )
    for column in ("partner_id", "email", "created_at"):
        _index("partner_contacts", column, "id")
    protect("core.partner_contacts")


def _tax_ids() -> None:
    unique = ["tenant_id", "partner_id", "country", "kind", "value"]
    op.create_table(
        "partner_tax_ids",
        *mutable_columns(),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        _text("country", required=True),
        _text("kind", required=True),
        _text("value", required=True),
        sa.PrimaryKeyConstraint("tenant_id", "id", name="pk_partner_tax_ids"),
        _of_partner("partner_tax_ids"),
        sa.UniqueConstraint(*unique, name=f"uq_partner_tax_ids_{'_'.join(unique)}"),
        schema="core",
    )
    for column in ("value", "partner_id", "created_at"):
        _index("partner_tax_ids", column, "id")
    protect("core.partner_tax_ids")
