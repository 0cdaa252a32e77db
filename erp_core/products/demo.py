"""Products of the two demo companies; brands and barcodes are invented, the barcodes have their check digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from stdnum import ean

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.products.models import Category, Product
from erp_core.products.rules import prepare_product
from erp_core.products.schemas import ProductIn
from erp_core.products.services import seed_units

# Code, name, code of the category above or nothing.
Groups = tuple[tuple[str, str, str], ...]
# Sku, name, category, unit, price in pesos, tax code.
Rows = tuple[tuple[str, str, str, str, str, str], ...]

BUILDER_GROUPS: Groups = (
    ("MAT", "Materiales", ""),
    ("CEM", "Cementantes y agregados", "MAT"),
    ("ACE", "Acero y alambre", "MAT"),
    ("MUR", "Muros y losas", "MAT"),
    ("INS", "Instalaciones", "MAT"),
    ("ACA", "Acabados", "MAT"),
    ("SER", "Servicios y equipo", ""),
)
BUILDER: Rows = (
    ("CEM-GRIS-50", "Cemento gris CPC 30R, bulto de 50 kg", "CEM", "PZA", "248.00", "IVA16"),
    ("CEM-BCO-25", "Cemento blanco, bulto de 25 kg", "CEM", "PZA", "262.50", "IVA16"),
    ("MOR-50", "Mortero para albañilería, bulto de 50 kg", "CEM", "PZA", "189.00", "IVA16"),
    ("CAL-25", "Cal hidratada, bulto de 25 kg", "CEM", "PZA", "78.50", "IVA16"),
    ("YES-40", "Yeso para construcción, bulto de 40 kg", "CEM", "PZA", "121.00", "IVA16"),
    ("ARE-RIO", "Arena de río", "CEM", "M3", "410.00", "IVA16"),
    ("GRA-34", "Grava triturada de 3/4", "CEM", "M3", "465.00", "IVA16"),
    ("TEP", "Tepetate para relleno", "CEM", "M3", "235.00", "IVA16"),
    ("VAR-38", "Varilla corrugada de 3/8, tramo de 12 m", "ACE", "PZA", "156.00", "IVA16"),
    ("VAR-12", "Varilla corrugada de 1/2, tramo de 12 m", "ACE", "PZA", "274.00", "IVA16"),
    ("ALM-REC", "Alambre recocido calibre 16", "ACE", "KG", "34.80", "IVA16"),
    ("ALB-14", "Alambrón de 1/4", "ACE", "KG", "27.90", "IVA16"),
    ("MAL-66", "Malla electrosoldada 6x6-10/10, rollo de 100 m2", "ACE", "M2", "38.50", "IVA16"),
    ("CAS-15", "Castillo armado 15x15, tramo de 6 m", "ACE", "PZA", "318.00", "IVA16"),
    ("CLA-25", "Clavo para madera de 2 1/2", "ACE", "KG", "42.00", "IVA16"),
    ("BLO-15", "Block de concreto 15x20x40", "MUR", "PZA", "16.80", "IVA16"),
    ("LAD-ROJ", "Ladrillo rojo recocido 7x14x28", "MUR", "PZA", "5.20", "IVA16"),
    ("BOV-15", "Bovedilla de poliestireno 15x63x122", "MUR", "PZA", "112.00", "IVA16"),
    ("VIG-4", "Vigueta pretensada de 4 m", "MUR", "PZA", "472.00", "IVA16"),
    ("TUB-PVC-4", "Tubo sanitario de PVC de 4, tramo de 6 m", "INS", "PZA", "389.00", "IVA16"),
    ("TUB-CU-12", "Tubo de cobre tipo M de 1/2", "INS", "M", "98.60", "IVA16"),
    ("CAB-12", "Cable THW calibre 12", "INS", "M", "14.20", "IVA16"),
    ("IMP-5", "Impermeabilizante acrílico, 5 años", "ACA", "L", "86.00", "IVA16"),
    ("PIN-VIN", "Pintura vinílica blanca", "ACA", "L", "94.50", "IVA16"),
    ("PEG-20", "Pegazulejo gris, bulto de 20 kg", "ACA", "PZA", "118.00", "IVA16"),
    ("REN-REV", "Renta de revolvedora", "SER", "DIA", "650.00", "IVA16"),
    ("FLE-VOL", "Flete en camión de volteo", "SER", "SERV", "1450.00", "IVA16"),
)

SHOP_GROUPS: Groups = (
    ("ABA", "Abarrotes", ""),
    ("BEB", "Bebidas", ""),
    ("LAC", "Lácteos y huevo", ""),
    ("PAN", "Pan y tortillas", ""),
    ("BOT", "Botanas y dulces", ""),
    ("LIM", "Limpieza e higiene", ""),
    ("GRA", "A granel", ""),
)
SHOP: Rows = (
    ("ARR-1K", "Arroz blanco La Espiga 1 kg", "ABA", "PZA", "32.50", "IVA0"),
    ("FRI-1K", "Frijol pinto La Espiga 1 kg", "ABA", "PZA", "41.00", "IVA0"),
    ("AZU-1K", "Azúcar estándar Cañaveral 1 kg", "ABA", "PZA", "33.00", "IVA0"),
    ("SAL-1K", "Sal de mesa Salina 1 kg", "ABA", "PZA", "17.50", "IVA0"),
    ("ACE-850", "Aceite vegetal Dorado 850 ml", "ABA", "PZA", "44.90", "IVA0"),
    ("HAR-TRI", "Harina de trigo Molino Viejo 1 kg", "ABA", "PZA", "24.00", "IVA0"),
    ("HAR-MAI", "Harina de maíz Molino Viejo 1 kg", "ABA", "PZA", "22.50", "IVA0"),
    ("SOP-200", "Sopa de fideo La Cuchara 200 g", "ABA", "PZA", "9.50", "IVA0"),
    ("ATU-140", "Atún en agua Puerto Azul 140 g", "ABA", "PZA", "21.90", "IVA0"),
    ("SAR-425", "Sardina en tomate Puerto Azul 425 g", "ABA", "PZA", "46.00", "IVA0"),
    ("CHI-220", "Chiles jalapeños La Comadre 220 g", "ABA", "PZA", "18.50", "IVA0"),
    ("PUR-210", "Puré de tomate Del Surco 210 g", "ABA", "PZA", "8.90", "IVA0"),
    ("MAY-390", "Mayonesa Doña Luz 390 g", "ABA", "PZA", "49.00", "IVA0"),
    ("CAF-100", "Café soluble Cumbre 100 g", "ABA", "PZA", "89.00", "IVA0"),
    ("GAL-MAR", "Galletas marías Arandas 170 g", "ABA", "PZA", "17.90", "IVA0"),
    ("REF-600", "Refresco de cola Centro 600 ml", "BEB", "PZA", "18.50", "IVA16"),
    ("REF-2L", "Refresco de cola Centro 2 l", "BEB", "PZA", "36.00", "IVA16"),
    ("REF-TOR", "Refresco de toronja Centro 600 ml", "BEB", "PZA", "17.50", "IVA16"),
    ("AGU-1L", "Agua natural Manantial 1 l", "BEB", "PZA", "13.00", "IVA0"),
    ("AGU-GAR", "Agua purificada Manantial, garrafón de 20 l", "BEB", "PZA", "48.00", "IVA0"),
    ("JUG-1L", "Jugo de naranja Huerta 1 l", "BEB", "PZA", "29.90", "IVA0"),
    ("LEC-1L", "Leche entera San Juan 1 l", "LAC", "PZA", "28.50", "IVA0"),
    ("LEC-DES", "Leche deslactosada San Juan 1 l", "LAC", "PZA", "31.00", "IVA0"),
    ("YOG-1L", "Yogur bebible de fresa San Juan 1 l", "LAC", "PZA", "39.50", "IVA0"),
    ("CRE-450", "Crema ácida San Juan 450 ml", "LAC", "PZA", "42.00", "IVA0"),
    ("HUE", "Huevo blanco", "LAC", "PZA", "3.20", "IVA0"),
    ("PAN-BCO", "Pan blanco de caja Arandas 620 g", "PAN", "PZA", "46.00", "IVA0"),
    ("TOR-HAR", "Tortillas de harina Arandas, 12 piezas", "PAN", "PZA", "24.50", "IVA0"),
    ("BOL", "Bolillo", "PAN", "PZA", "3.50", "IVA0"),
    ("PAP-45", "Papas fritas Don Arturo 45 g", "BOT", "PZA", "19.00", "IVA16"),
    ("CAC-60", "Cacahuates japoneses Don Arturo 60 g", "BOT", "PZA", "15.50", "IVA16"),
    ("MAZ-28", "Mazapán La Plaza 28 g", "BOT", "PZA", "6.00", "IVA16"),
    ("CHO-40", "Chocolate de mesa Abuela 40 g", "BOT", "PZA", "14.00", "IVA16"),
    ("JAB-LAV", "Jabón de lavandería Blanquita 400 g", "LIM", "PZA", "21.00", "IVA16"),
    ("DET-850", "Detergente en polvo Blanquita 850 g", "LIM", "PZA", "38.90", "IVA16"),
    ("CLO-1L", "Cloro Blanquita 1 l", "LIM", "PZA", "19.50", "IVA16"),
    ("PAP-HIG", "Papel higiénico Nube, 4 rollos", "LIM", "PZA", "34.00", "IVA16"),
    ("PAS-DEN", "Pasta de dientes Sonrisa 100 ml", "LIM", "PZA", "32.00", "IVA16"),
    ("JIT-GRA", "Jitomate a granel", "GRA", "KG", "28.00", "IVA0"),
    ("CEB-GRA", "Cebolla blanca a granel", "GRA", "KG", "24.00", "IVA0"),
    ("LIM-GRA", "Limón a granel", "GRA", "KG", "35.00", "IVA0"),
    ("QUE-GRA", "Queso fresco a granel", "GRA", "KG", "128.00", "IVA0"),
)


def demo_builder(ctx: Context) -> None:
    """Load the materials and services of the building company; those that are there stay as they are."""
    _load(ctx, BUILDER_GROUPS, BUILDER, barcodes=False)


def demo_shop(ctx: Context) -> None:
    """Load the goods of the corner shop, packed ones with a barcode; those that are there stay as they are."""
    _load(ctx, SHOP_GROUPS, SHOP, barcodes=True)


def barcode_of(position: int) -> str:
    """Give the EAN-13 of the demo product at a position: Mexico's prefix, an invented maker, the check digit."""
    digits = f"7509{990:03d}{position + 1:05d}"
    return digits + str(ean.calc_check_digit(digits))


def _load(ctx: Context, groups: Groups, rows: Rows, *, barcodes: bool) -> None:
    units = seed_units(ctx)
    categories = _categories(ctx, groups)
    known = set(ctx.session.scalars(select(Product.sku).where(Product.tenant_id == ctx.tenant_id)))
    for position, (sku, name, category, unit, price, tax_code) in enumerate(rows):
        if sku in known:
            continue
        kind: Any = "service" if unit in {"SERV", "DIA"} else "goods"
        packed = barcodes and category != "GRA" and sku not in {"HUE", "BOL"}
        body = ProductIn(
            sku=sku, name=name, unit_id=units[unit], kind=kind, category_id=categories[category],
            barcode=barcode_of(position) if packed else None, list_price=Decimal(price), tax_code=tax_code,
        )  # fmt: skip
        ctx.session.add(Product(tenant_id=ctx.tenant_id, id=new_id(), **prepare_product(msgspec.structs.asdict(body))))
    ctx.session.flush()


def _categories(ctx: Context, groups: Groups) -> dict[str, UUID]:
    query = select(Category.code, Category.id).where(Category.tenant_id == ctx.tenant_id)
    ids: dict[str, UUID] = dict(ctx.session.execute(query).all())
    for code, name, parent in groups:
        if code not in ids:
            ids[code] = new_id()
            above = ids[parent] if parent else None
            ctx.session.add(Category(tenant_id=ctx.tenant_id, id=ids[code], code=code, name=name, parent_id=above))
            ctx.session.flush()
    return ids
