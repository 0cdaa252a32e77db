"""CURP, telephone numbers and the other facts of a patient; every CURP here is invented but the published example."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from erp_clinicas.patients.errors import (
    BornInFuture,
    CurpContradicts,
    CurpOfAnimal,
    InvalidCurp,
    InvalidPhone,
    SurnameMissing,
)
from erp_clinicas.patients.rules import (
    age_in_years,
    check_birth_date,
    check_curp,
    check_phone,
    contradictions,
    prepare_patient,
)
from hypothesis import given
from hypothesis import strategies as st

EXAMPLE = "BOXW310820HNERXN09"  # the worked example of the published rules
ALPHABET = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"


def with_check_digit(first_seventeen: str) -> str:
    """Work the check digit out by hand: weights 18 to 2 over the places in an alphabet with Ñ."""
    total = sum(
        ALPHABET.index(letter) * weight for letter, weight in zip(first_seventeen, range(18, 1, -1), strict=True)
    )
    return f"{first_seventeen}{-total % 10}"


def curp_of(birth_date: date, letter: str, *, start: str = "HELG", end: str = "JCRPD") -> str:
    century = "A" if birth_date.year >= 2000 else "0"
    return with_check_digit(f"{start}{birth_date:%y%m%d}{letter}{end}{century}")


BIRTHS = st.dates(date(1920, 1, 1), date(2026, 11, 22))


@given(birth=BIRTHS, letter=st.sampled_from("HM"))
def test_a_curp_with_the_right_check_digit_agrees_with_its_own_date_and_sex(birth: date, letter: str):
    curp = curp_of(birth, letter)

    assert check_curp(curp) == curp
    assert contradictions(curp, birth, {"H": "male", "M": "female"}[letter]) == []


@given(birth=BIRTHS, wrong=st.integers(1, 9))
def test_every_other_check_digit_is_refused(birth: date, wrong: int):
    curp = curp_of(birth, "M")

    with pytest.raises(InvalidCurp) as refused:
        check_curp(f"{curp[:-1]}{(int(curp[-1]) + wrong) % 10}")

    assert refused.value.facts == {"reason": "check_digit"}


@given(birth=BIRTHS, other=BIRTHS)
def test_a_curp_contradicts_every_other_birth_date(birth: date, other: date):
    assert contradictions(curp_of(birth, "H"), other, None) == ([] if birth == other else ["birth_date"])


def test_the_published_example_is_a_man_born_in_1931():
    found = check_curp(EXAMPLE.lower())

    assert found == EXAMPLE
    assert contradictions(found, date(1931, 8, 20), "male") == []
    assert contradictions(found, date(1931, 8, 20), "female") == ["sex"]
    assert contradictions(found, date(2031, 8, 20), "female") == ["birth_date", "sex"]


def test_the_seventeenth_character_tells_the_century():
    before, since = with_check_digit("TOND170830HJCRVG0"), with_check_digit("TOND170830HJCRVGA")

    assert contradictions(before, date(1917, 8, 30), None) == []
    assert contradictions(since, date(2017, 8, 30), None) == []
    assert contradictions(since, date(1917, 8, 30), None) == ["birth_date"]


def test_h_is_a_man_and_m_a_woman_and_an_unknown_sex_contradicts_nothing():
    woman = curp_of(date(1984, 12, 12), "M")

    found = {sex: contradictions(woman, None, sex) for sex in ("female", "male", "other", "unknown", None)}

    assert found == {"female": [], "male": ["sex"], "other": [], "unknown": [], None: []}


@pytest.mark.parametrize(
    ("curp", "reason"),
    [
        ("BOXW310820HNERXN08", "check_digit"),
        ("BOXW310820HNERXN0", "length"),
        ("", "length"),
        ("BOX1310820HNERXN09", "format"),
        ("BOXW310820HNERXNÑ9", "format"),
        ("BOXW311320HNERXN09", "component"),
        ("BOXW310820XNERXN09", "component"),
        ("BOXW310820HXXRXN09", "component"),
        ("BOXW310229HNERXN09", "component"),
    ],
)
def test_a_refusal_tells_what_is_wrong_with_a_curp(curp: str, reason: str):
    with pytest.raises(InvalidCurp) as refused:
        check_curp(curp)

    assert (refused.value.facts["reason"], refused.value.pointer) == (reason, "/curp")


@pytest.mark.parametrize(
    ("day", "age"), [(date(2026, 11, 22), 95), (date(2026, 8, 19), 94), (date(2026, 8, 20), 95), (date(1931, 8, 20), 0)]
)
def test_an_age_counts_birthdays(day: date, age: int):
    assert age_in_years(date(1931, 8, 20), day) == age


def test_a_leap_days_birthday_comes_on_the_first_of_march():
    ages = [age_in_years(date(2004, 2, 29), day) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2024, 2, 29))]

    assert ages == [21, 22, 20]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("33 1204 5567", "+523312045567"),
        ("(33) 1204-5567", "+523312045567"),
        ("+52 33 1204 5567", "+523312045567"),
        ("0034 91 123 45 67", "+34911234567"),
        ("+1 212.555.0100", "+12125550100"),
    ],
)
def test_a_telephone_number_is_kept_in_one_form(text: str, number: str):
    assert check_phone(text) == number


@pytest.mark.parametrize("text", ["", "12345", "+0331204556", "33 1204 556a", "+1234567890123456"])
def test_what_cannot_be_dialled_is_refused(text: str):
    with pytest.raises(InvalidPhone):
        check_phone(text)


@given(st.integers(-40_000, 400))
def test_nobody_is_born_tomorrow(days: int):
    today = date(2026, 11, 22)

    if days <= 0:
        check_birth_date(today + timedelta(days), today)
        return

    with pytest.raises(BornInFuture):
        check_birth_date(today + timedelta(days), today)


@pytest.mark.parametrize(
    ("sent", "refusal"),
    [
        ({"curp": EXAMPLE, "birth_date": date(1931, 8, 21)}, CurpContradicts),
        ({"curp": EXAMPLE, "sex": "female"}, CurpContradicts),
        ({"curp": EXAMPLE, "kind": "animal"}, CurpOfAnimal),
        ({"kind": "person", "first_surname": "  "}, SurnameMissing),
    ],
)
def test_facts_that_do_not_go_together_are_refused(sent: dict[str, object], refusal: type[Exception]):
    with pytest.raises(refusal):
        prepare_patient(sent)


def test_a_contradiction_that_somebody_looked_at_is_taken():
    row = prepare_patient({"curp": EXAMPLE.lower(), "sex": "female", "curp_confirmed": True})

    assert row["curp"] == EXAMPLE
