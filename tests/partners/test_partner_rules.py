"""Pure rules of partners, with worked examples."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from erp_core.partners import demo, rules
from erp_core.partners.errors import InvalidPostalCode, InvalidTaxId, TaxIdNeedsCountry, UnknownCountry, UnknownCurrency
from erp_core.partners.iso import COUNTRIES, CURRENCIES
from erp_core.partners.schemas import PartnerIn


def partner(**facts: Any) -> dict[str, Any]:
    return rules.prepare_partner(msgspec.structs.asdict(PartnerIn(name="Cementos", **facts)))


@pytest.mark.parametrize("generic", ["XAXX010101000", "XEXX010101000"])
def test_the_generic_rfcs_pass_although_their_check_digit_fails(generic: str) -> None:
    row = partner(tax_id=generic.lower())

    assert (row["tax_id"], row["tax_country"]) == (generic, "MX")


def test_an_rfc_is_stored_without_dashes_and_in_capitals() -> None:
    assert partner(tax_id=" cva-980305-q1a ")["tax_id"] == "CVA980305Q1A"


@pytest.mark.parametrize(
    ("tax_id", "reason"),
    [
        ("CVA980305Q12", "check_digit"),
        ("CVA98030", "length"),
        ("CVA981305Q1A", "component"),
        ("1VA980305Q1A", "format"),
    ],
)
def test_a_wrong_rfc_is_refused_with_its_reason(tax_id: str, reason: str) -> None:
    with pytest.raises(InvalidTaxId) as refused:
        partner(tax_id=tax_id)

    assert refused.value.facts["reason"] == reason
    assert refused.value.pointer == "/tax_id"


@pytest.mark.parametrize(
    ("country", "given_id", "stored"),
    [("AR", "20-05536168-2", "20055361682"), ("BR", "11.222.333/0001-81", "11222333000181"),
     ("BR", "529.982.247-25", "52998224725"),
     ("CL", "12.345.678-5", "123456785"), ("DO", "1-01-85004-3", "101850043"), ("PE", "20512333797", "20512333797")],
)  # fmt: skip
def test_tax_ids_of_other_countries_follow_their_own_rules(country: str, given_id: str, stored: str) -> None:
    assert partner(tax_country=country, tax_id=given_id)["tax_id"] == stored


def test_a_country_without_known_rules_keeps_what_was_given() -> None:
    assert partner(tax_country="NL", tax_id="nl 1234 b01")["tax_id"] == "NL1234B01"


@pytest.mark.parametrize("change", [{"tax_id": "CVA980305Q1A"}, {"tax_country": "AR"}])
def test_a_change_sends_tax_id_and_country_together(change: dict[str, Any]) -> None:
    with pytest.raises(TaxIdNeedsCountry):
        rules.prepare_partner(change)


def test_the_check_digit_of_a_clabe_is_the_worked_one() -> None:
    assert rules.clabe_check_digit("00201007777777777") == "1"


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 17), st.integers(1, 9))
def test_a_clabe_with_one_wrong_digit_never_passes(digits: str, place: int, change: int) -> None:
    clabe = digits + rules.clabe_check_digit(digits)
    wrong = clabe[:place] + str((int(clabe[place]) + change) % 10) + clabe[place + 1 :]

    assert rules.check_clabe(clabe) == clabe
    with pytest.raises(InvalidTaxId):
        rules.normalise_tax_id("MX", "clabe", wrong)


@given(st.sampled_from(sorted(rules.KINDS)), st.text(max_size=20))
def test_any_text_is_either_normalised_or_refused(kind: tuple[str, str], value: str) -> None:
    try:
        stored = rules.normalise_tax_id(*kind, value)
    except InvalidTaxId:
        return
    assert rules.normalise_tax_id(*kind, stored) == stored


def test_a_social_security_number_has_eleven_digits_and_a_luhn_digit() -> None:
    assert rules.normalise_tax_id("MX", "nss", "72795608040") == "72795608040"
    with pytest.raises(InvalidTaxId):
        rules.normalise_tax_id("MX", "nss", "72795608041")


def test_every_main_kind_has_a_rule() -> None:
    assert {(country, kind) for country, kinds in rules.MAIN_KINDS.items() for kind in kinds} <= set(rules.KINDS)
    assert set(rules.MAIN_KINDS) <= set(COUNTRIES)


def test_texts_are_stripped_and_emails_lowered() -> None:
    row = partner(code=" cli-1 ", email=" Compras@Example.MX ", notes="   ", currency="usd")

    assert (row["code"], row["email"], row["notes"], row["currency"]) == ("CLI-1", "compras@example.mx", None, "USD")


def test_unknown_currencies_and_countries_are_refused() -> None:
    with pytest.raises(UnknownCurrency):
        partner(currency="XYZ")
    with pytest.raises(UnknownCountry):
        partner(tax_country="ZZ", tax_id="1")
    assert CURRENCIES["CLP"] == 0


def test_a_mexican_postal_code_has_five_digits() -> None:
    assert rules.prepare_address({"country": "mx", "postal_code": "44160"})["country"] == "MX"
    assert rules.prepare_address({"country": "US", "postal_code": "90210-1234"})["postal_code"] == "90210-1234"
    with pytest.raises(InvalidPostalCode):
        rules.prepare_address({"country": "MX", "postal_code": "4416"})


def test_codes_that_are_made_differ() -> None:
    assert len({rules.make_code() for _ in range(500)}) == 500


@pytest.mark.parametrize("row", [*demo.BUILDER, *demo.SHOP], ids=lambda row: str(row[0]))
def test_demo_partners_have_valid_tax_ids(row: demo.Row) -> None:
    assert rules.check_rfc(row[3]) == row[3]
