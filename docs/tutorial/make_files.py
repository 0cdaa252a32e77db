"""Write the two files of the first tutorial: 5,000 products and 2,000 partners, the same ones every time.

    python3 make_files.py FOLDER

Every barcode is an EAN-13 and every tax id an RFC, with their check digits, because the platform checks both.
"""

# ruff: noqa: INP001 - a program, not a part of a package

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

PRODUCTS = 5_000
PARTNERS = 2_000

# Name, unit, category and price in cents of what a building company buys; each comes in a hundred variants.
MATERIALS = (
    ("Cemento gris", "SACO", "OBRA-NEGRA", 23_900),
    ("Mortero", "SACO", "OBRA-NEGRA", 17_450),
    ("Cal hidratada", "SACO", "OBRA-NEGRA", 8_900),
    ("Pegazulejo", "SACO", "ACABADOS", 14_500),
    ("Yeso", "SACO", "ACABADOS", 12_050),
    ("Varilla corrugada", "TRAMO", "ACERO", 31_200),
    ("Ángulo de acero", "TRAMO", "ACERO", 42_700),
    ("Tubo de cobre", "TRAMO", "INSTALACIONES", 58_800),
    ("Tubo de PVC", "TRAMO", "INSTALACIONES", 11_300),
    ("Pintura vinílica", "CUBETA", "ACABADOS", 134_900),
)
BRANDS = ("Atemajac", "Cerro Viejo", "Del Valle", "Huentitán", "La Barranca")
TOWNS = ("Ameca", "Colima", "Chapala", "Jocotán", "Tala", "Tequila", "Tonalá", "Zapotlán")
TRADES = (("Ferretería", "FER"), ("Materiales", "MAT"), ("Aceros", "ACE"), ("Constructora", "CON"), ("Maderas", "MAD"))

# The homoclave tells apart companies of the same letters and day; it has no zero.
DISTINGUISHING = "123456789ABCDEFGHIJKLMNOPQRSTU"
RFC_ALPHABET = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ"


def ean13(first_twelve: str) -> str:
    """Give a barcode with its check digit."""
    total = sum(int(digit) * (3 if position % 2 else 1) for position, digit in enumerate(first_twelve))
    return f"{first_twelve}{-total % 10}"


def rfc(first_eleven: str) -> str:
    """Give a company's tax id (RFC) with its check digit."""
    total = sum(RFC_ALPHABET.index(sign) * (13 - place) for place, sign in enumerate(f" {first_eleven}"))
    return first_eleven + RFC_ALPHABET[-total % 11]


def products() -> Iterator[list[str]]:
    """Give the header and the rows of the products; `unit` and `category` are the codes of theirs."""
    yield ["sku", "name", "unit", "category", "barcode", "list_price"]
    for number in range(1, PRODUCTS + 1):
        name, unit, category, cents = MATERIALS[number % len(MATERIALS)]
        price = cents + 5 * (number % 200)
        full = f"{name} {BRANDS[number % len(BRANDS)]} n.º {number}"
        barcode = ean13(f"750{number:09}")
        yield [f"MAT-{number:05}", full, unit, category, barcode, f"{price // 100}.{price % 100:02}"]


def partners() -> Iterator[list[str]]:
    """Give the header and the rows of the partners."""
    yield ["code", "name", "kind", "is_customer", "is_supplier", "tax_country", "tax_id", "email"]
    for number in range(1, PARTNERS + 1):
        trade, letters = TRADES[number % len(TRADES)]
        town = TOWNS[number % len(TOWNS)]
        supplier = "true" if number % 5 else "false"
        customer = "false" if number % 5 else "true"
        founded = f"{80 + number % 20:02}{1 + number % 12:02}{1 + number % 28:02}"
        distinguishing = DISTINGUISHING[number // 30 % 30] + DISTINGUISHING[number % 30]
        tax_id = rfc(f"{letters}{founded}{distinguishing}")
        email = f"ventas{number}@proveedores.example"
        yield [f"SOC-{number:04}", f"{trade} {town} {number}", "company", customer, supplier, "MX", tax_id, email]


def write(path: Path, rows: Iterable[list[str]]) -> None:
    """Write rows as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def main(folder: Path) -> None:
    """Write both files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "products.csv", products())
    write(folder / "partners.csv", partners())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
