"""Pure rules of partners: identifiers, codes, and how each field is tidied before it is kept."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

from stdnum import luhn
from stdnum.ar import cbu, cuit, dni
from stdnum.br import cnpj, cpf
from stdnum.ca import bn
from stdnum.cl import rut as cl_rut
from stdnum.co import nit as co_nit
from stdnum.cr import cpf as cr_cpf
from stdnum.cr import cpj as cr_cpj
from stdnum.cr import cr as cr_dimex
from stdnum.cu import ni as cu_ni
from stdnum.do import cedula, rnc
from stdnum.ec import ci as ec_ci
from stdnum.ec import ruc as ec_ruc
from stdnum.es import nif
from stdnum.exceptions import InvalidChecksum, InvalidComponent, InvalidFormat, InvalidLength, ValidationError
from stdnum.gt import nit as gt_nit
from stdnum.mx import curp, rfc
from stdnum.pe import cui as pe_cui
from stdnum.pe import ruc as pe_ruc
from stdnum.py import ruc as py_ruc
from stdnum.sv import nit as sv_nit
from stdnum.us import tin
from stdnum.util import clean
from stdnum.uy import rut as uy_rut
from stdnum.ve import rif

from erp_core.kernel.errors import InvalidEmail
from erp_core.partners.errors import (
    InvalidPostalCode,
    InvalidTaxId,
    TaxIdNeedsCountry,
    UnknownCountry,
    UnknownCurrency,
)
from erp_core.partners.iso import COUNTRIES, CURRENCIES

Validate = Callable[[str], str]

# The tax authority's own placeholders for the general public and for foreigners; they fail their check digit.
GENERIC_RFCS = frozenset({"XAXX010101000", "XEXX010101000"})
_CLABE_WEIGHTS = (3, 7, 1) * 6
_NSS_LENGTH = 11
_CLABE_LENGTH = 18
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+\Z")
_POSTAL_CODE_MX = re.compile(r"[0-9]{5}\Z")
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REASONS = (
    (InvalidLength, "length"),
    (InvalidChecksum, "check_digit"),
    (InvalidComponent, "component"),
    (InvalidFormat, "format"),
)


def check_rfc(value: str) -> str:
    """Check a Mexican tax id (RFC) by structure, date and check digit; the generic ones pass as they are."""
    number = rfc.compact(value)
    return number if number in GENERIC_RFCS else rfc.validate(number, validate_check_digits=True)


def check_nss(value: str) -> str:
    """Check a Mexican social security number (NSS): eleven digits, the last by Luhn."""
    number = clean(value, " -").strip()
    if len(number) != _NSS_LENGTH:
        raise InvalidLength
    return luhn.validate(number)


def check_clabe(value: str) -> str:
    """Check a Mexican bank account (CLABE): eighteen digits, the last by weights 3, 7, 1."""
    number = clean(value, " -").strip()
    if not number.isascii() or not number.isdigit():
        raise InvalidFormat
    if len(number) != _CLABE_LENGTH:
        raise InvalidLength
    if clabe_check_digit(number[:-1]) != number[-1]:
        raise InvalidChecksum
    return number


def clabe_check_digit(digits: str) -> str:
    """Work out the last digit of a CLABE from its first seventeen."""
    total = sum(int(digit) * weight % 10 for digit, weight in zip(digits, _CLABE_WEIGHTS, strict=False))
    return str(-total % 10)


# (country, kind) → the function that gives the compact number or raises stdnum's ValidationError.
KINDS: dict[tuple[str, str], Validate] = {
    ("AR", "cuit"): cuit.validate,
    ("AR", "dni"): dni.validate,
    ("AR", "cbu"): cbu.validate,
    ("BR", "cnpj"): cnpj.validate,
    ("BR", "cpf"): cpf.validate,
    ("CA", "bn"): bn.validate,
    ("CL", "rut"): cl_rut.validate,
    ("CO", "nit"): co_nit.validate,
    ("CR", "cpj"): cr_cpj.validate,
    ("CR", "cpf"): cr_cpf.validate,
    ("CR", "dimex"): cr_dimex.validate,
    ("CU", "ni"): cu_ni.validate,
    ("DO", "rnc"): rnc.validate,
    ("DO", "cedula"): cedula.validate,
    ("EC", "ruc"): ec_ruc.validate,
    ("EC", "ci"): ec_ci.validate,
    ("ES", "nif"): nif.validate,
    ("GT", "nit"): gt_nit.validate,
    ("MX", "rfc"): check_rfc,
    ("MX", "curp"): curp.validate,
    ("MX", "nss"): check_nss,
    ("MX", "clabe"): check_clabe,
    ("PE", "ruc"): pe_ruc.validate,
    ("PE", "cui"): pe_cui.validate,
    ("PY", "ruc"): py_ruc.validate,
    ("SV", "nit"): sv_nit.validate,
    ("US", "tin"): tin.validate,
    ("UY", "rut"): uy_rut.validate,
    ("VE", "rif"): rif.validate,
}

# The kinds that may be a partner's main tax id, the usual one first.
MAIN_KINDS: dict[str, tuple[str, ...]] = {
    "AR": ("cuit",),
    "BR": ("cnpj", "cpf"),
    "CA": ("bn",),
    "CL": ("rut",),
    "CO": ("nit",),
    "CR": ("cpj", "cpf", "dimex"),
    "CU": ("ni",),
    "DO": ("rnc", "cedula"),
    "EC": ("ruc", "ci"),
    "ES": ("nif",),
    "GT": ("nit",),
    "MX": ("rfc",),
    "PE": ("ruc",),
    "PY": ("ruc",),
    "SV": ("nit",),
    "US": ("tin",),
    "UY": ("rut",),
    "VE": ("rif",),
}


def normalise_tax_id(country: str, kind: str, value: str, *, pointer: str = "/value") -> str:
    """Give an identifier as it is stored, or refuse it; a kind without known rules is only compacted."""
    check = KINDS.get((country, kind))
    if check is None:
        return clean(value, " ").strip().upper()
    try:
        return check(value.strip().upper())
    except ValidationError as error:
        raise InvalidTaxId(pointer=pointer, kind=kind.upper(), country=country, reason=_reason(error)) from None


def normalise_main_tax_id(country: str, value: str) -> str:
    """Give a partner's tax id as it is stored; where a country has several kinds, any of them will do."""
    kinds = MAIN_KINDS.get(country, ("",))
    for kind in kinds[1:]:
        try:
            return normalise_tax_id(country, kind, value)
        except InvalidTaxId:
            continue
    return normalise_tax_id(country, kinds[0], value, pointer="/tax_id")


def _reason(error: ValidationError) -> str:
    return next((name for kind, name in _REASONS if isinstance(error, kind)), "format")


def make_code() -> str:
    """Make a partner's code: P and ten characters that cannot be mistaken for each other."""
    return "P" + "".join(secrets.choice(_ALPHABET) for _ in range(10))


def check_currency(code: str, *, pointer: str = "/currency") -> str:
    """Give a currency's code in capitals, or refuse an unknown one."""
    found = code.strip().upper()
    if found not in CURRENCIES:
        raise UnknownCurrency(pointer=pointer, currency=found)
    return found


def check_country(code: str, *, pointer: str = "/country") -> str:
    """Give a country's code in capitals, or refuse an unknown one."""
    found = code.strip().upper()
    if found not in COUNTRIES:
        raise UnknownCountry(pointer=pointer, country=found)
    return found


def check_email(address: str) -> str:
    """Give an address in lower case, or refuse what cannot be one."""
    found = address.strip().lower()
    if _EMAIL.match(found) is None:
        raise InvalidEmail(email=found[:254], pointer="/email")
    return found


def tidy(sent: dict[str, Any]) -> dict[str, Any]:
    """Strip every text; one of nothing but blanks counts as not given."""
    return {key: (value.strip() or None) if isinstance(value, str) else value for key, value in sent.items()}


def prepare_partner(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a partner."""
    row = tidy(sent)
    if row.get("code"):
        row["code"] = row["code"].upper()
    if row.get("email"):
        row["email"] = check_email(row["email"])
    if row.get("currency"):
        row["currency"] = check_currency(row["currency"])
    if ("tax_id" in row) != ("tax_country" in row):
        raise TaxIdNeedsCountry(pointer="/tax_country" if "tax_id" in row else "/tax_id")
    if row.get("tax_country"):
        row["tax_country"] = check_country(row["tax_country"], pointer="/tax_country")
    if row.get("tax_id"):
        row["tax_country"] = row["tax_country"] or "MX"
        row["tax_id"] = normalise_main_tax_id(row["tax_country"], row["tax_id"])
    return row


def prepare_address(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of an address; a change of one of country and postal code is checked by the table."""
    row = tidy(sent)
    if row.get("country"):
        row["country"] = check_country(row["country"])
    if row.get("country") == "MX" and row.get("postal_code") and _POSTAL_CODE_MX.match(row["postal_code"]) is None:
        raise InvalidPostalCode(pointer="/postal_code", country="MX", digits=5)
    return row


def prepare_contact(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check the fields of a contact."""
    row = tidy(sent)
    if row.get("email"):
        row["email"] = check_email(row["email"])
    return row


def prepare_tax_id(sent: dict[str, Any]) -> dict[str, Any]:
    """Tidy and check an identifier by the rules of its country and kind."""
    row = tidy(sent)
    row["country"] = check_country(row["country"])
    row["kind"] = row["kind"].lower()
    row["value"] = normalise_tax_id(row["country"], row["kind"], row["value"] or "")
    return row
