"""Partners of the two demo companies; every name is invented, every tax id has its check digit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from erp_core.kernel.context import Context
from erp_core.kernel.ids import new_id
from erp_core.partners.models import Partner, PartnerAddress, PartnerContact
from erp_core.partners.rules import prepare_address, prepare_contact, prepare_partner
from erp_core.partners.schemas import PartnerIn

# Code, name, legal name, tax id, roles (c customer, s supplier), email, phone, street, number, colonia, city, state,
# postal code.
Row = tuple[str, str, str, str, str, str, str, str, str, str, str, str, str]

BUILDER: tuple[Row, ...] = (
    ("PRV-CEM", "Cementos del Valle", "Cementos del Valle de Atemajac SA de CV", "CVA980305Q1A", "s",
     "ventas@cementosdelvalle.example",
     "33 3615 4410", "Av. Vallarta", "6503", "Ciudad Granja", "Zapopan", "Jalisco", "45010"),
    ("PRV-FER", "Ferretería El Tornillo", "Ferretera El Tornillo SA de CV", "FTO0107158H1", "s",
     "pedidos@eltornillo.example",
     "33 3613 2280", "Calz. Independencia Sur", "812", "Analco", "Guadalajara", "Jalisco", "44450"),
    ("PRV-MAD", "Maderas Colima", "Maderas y Cimbras de Colima SA de CV", "MCO850912K33", "s",
     "cotiza@maderascolima.example",
     "312 314 5521", "Blvd. Camino Real", "1190", "Jardines Vista Hermosa", "Colima", "Colima", "28017"),
    ("PRV-ACE", "Aceros del Pacífico", "Aceros y Perfiles del Pacífico SA de CV", "APA110620T98", "s",
     "ventas@acerospacifico.example",
     "33 3811 9034", "Av. 8 de Julio", "2745", "Zona Industrial", "Guadalajara", "Jalisco", "44940"),
    ("PRV-TRI", "Triturados La Mesa", "Triturados La Mesa SA de CV", "TRM0508305L0", "s",
     "despacho@trituradoslamesa.example",
     "33 3797 1200", "Carr. a Chapala km 14", "S/N", "El Verde", "El Salto", "Jalisco", "45694"),
    ("PRV-IMP", "Impermeabilizantes Reyes", "Impermeabilizantes Reyes SA de CV", "IRE140402J79", "s",
     "hola@impereyes.example",
     "33 1203 8871", "Av. Patria", "1501", "Villa Universitaria", "Zapopan", "Jalisco", "45110"),
    ("PRV-ELE", "Eléctrica Occidente", "Eléctrica de Occidente SA de CV", "ELO160309D66", "s",
     "mostrador@electricaocc.example",
     "33 3658 0077", "Av. Federalismo Norte", "933", "Artesanos", "Guadalajara", "Jalisco", "44200"),
    ("CLI-GAP", "Grupo Apozol", "Grupo Inmobiliario Apozol SA de CV", "GAP031105N40", "c",
     "obras@grupoapozol.example",
     "33 3122 6540", "Av. Américas", "1545", "Providencia", "Guadalajara", "Jalisco", "44630"),
    ("CLI-PCJ", "Plaza Comercial Jocotán", "Promotora Comercial Jocotán SA de CV", "PCJ990721B82", "c",
     "administracion@pcjocotan.example",
     "33 3627 4512", "Av. Aviación", "3020", "San Juan de Ocotán", "Zapopan", "Jalisco", "45019"),
    ("CLI-DGU", "Desarrollos Guayabitos", "Desarrollos Guayabitos SA de CV", "DGU070514M10", "c",
     "proyectos@guayabitos.example",
     "327 274 0166", "Av. Sol Nuevo", "48", "Rincón de Guayabitos", "Compostela", "Nayarit", "63724"),
    ("CLI-RAS", "Laura Ramírez Solís", "", "RASL7509237K1", "c", "laura.ramirez@example.mx",
     "33 1455 9021", "Calle Hidalgo", "318", "Centro", "Tlaquepaque", "Jalisco", "45500"),
    ("SUB-GOM", "Juan Gómez Martínez, plomería", "", "GOMJ8004123B9", "s", "juan.gomez@example.mx",
     "33 1876 3345", "Calle Pino Suárez", "77", "Las Juntas", "Tlaquepaque", "Jalisco", "45590"),
)  # fmt: skip

SHOP: tuple[Row, ...] = (
    ("PRV-ABA", "Abarrotera Huentitán", "Abarrotera Huentitán SA de CV", "AHU880226V50", "s",
     "rutas@abahuentitan.example",
     "33 3674 1188", "Calz. Independencia Norte", "3110", "Huentitán el Alto", "Guadalajara", "Jalisco", "44390"),
    ("PRV-PAN", "Panificadora Arandas", "Bimbollos y Panes de Arandas SA de CV", "BPA951201A47", "s",
     "reparto@panarandas.example",
     "348 783 0044", "Calle Francisco Mora", "210", "Centro", "Arandas", "Jalisco", "47180"),
    ("PRV-LEC", "Lácteos San Juan", "Lácteos San Juan SA de CV", "LSJ020808F38", "s",
     "pedidos@lacteossanjuan.example",
     "395 785 2230", "Blvd. Juan Pablo II", "55", "Centro", "San Juan de los Lagos", "Jalisco", "47000"),
    ("PRV-REF", "Refrescos del Centro", "Refrescos y Distribución del Centro SA de CV", "RDC120119C78", "s",
     "preventa@refrescoscentro.example",
     "33 3810 6600", "Av. Lázaro Cárdenas", "1800", "Del Fresno", "Guadalajara", "Jalisco", "44900"),
    ("PRV-BOT", "Botanas Don Arturo", "Distribuidora de Botanas Arturo SA de CV", "DBA970630G22", "s",
     "ventas@donarturo.example",
     "33 3144 7821", "Av. Tonalá", "650", "Centro", "Tonalá", "Jalisco", "45400"),
    ("PRV-LIM", "Limpieza Total", "Comercial Agua y Limpieza Orozco SA de CV", "CAO180425H97", "s",
     "pedidos@limpiezatotal.example",
     "33 2304 9917", "Av. Revolución", "1215", "Olímpica", "Guadalajara", "Jalisco", "44430"),
    ("PRV-HUE", "Huevo y Granos Los Altos", "", "LOPM9103051T7", "s", "mlopez@example.mx",
     "378 781 4501", "Calle Matamoros", "14", "Centro", "Tepatitlán", "Jalisco", "47600"),
    ("PRV-FRU", "Frutas y Verduras Graciela", "", "HEGR680718Q85", "s", "graciela.hr@example.mx",
     "33 1290 5566", "Mercado de Abastos, bodega", "112", "Comercial Abastos", "Guadalajara", "Jalisco", "44530"),
)  # fmt: skip


def demo_builder(ctx: Context) -> None:
    """Load the partners of the building company; those that are there stay as they are."""
    _load(ctx, BUILDER)


def demo_shop(ctx: Context) -> None:
    """Load the suppliers of the corner shop; those that are there stay as they are."""
    _load(ctx, SHOP)


def _load(ctx: Context, rows: tuple[Row, ...]) -> None:
    known = set(ctx.session.scalars(select(Partner.code).where(Partner.tenant_id == ctx.tenant_id)))
    for row in rows:
        if row[0] not in known:
            _add(ctx, row)
    ctx.session.flush()


def _add(ctx: Context, row: Row) -> None:
    code, name, legal_name, tax_id, roles, email, phone, street, exterior, colonia, city, state, postal_code = row
    kind: Any = "company" if legal_name else "person"
    body = PartnerIn(
        name=name, code=code, legal_name=legal_name or None, kind=kind, is_customer="c" in roles,
        is_supplier="s" in roles,
        email=email, phone=phone, tax_country="MX", tax_id=tax_id,
    )  # fmt: skip
    partner = Partner(tenant_id=ctx.tenant_id, id=new_id(), **prepare_partner(msgspec.structs.asdict(body)))
    ctx.session.add(partner)
    ctx.session.flush()
    where = {
        "kind": "fiscal", "street": street, "exterior": exterior, "neighbourhood": colonia, "city": city,
        "state": state,
        "postal_code": postal_code, "country": "MX",
    }  # fmt: skip
    ids = {"tenant_id": ctx.tenant_id, "partner_id": partner.id}
    ctx.session.add(PartnerAddress(id=new_id(), **ids, **prepare_address(where)))
    contact = prepare_contact({"name": "Mostrador" if legal_name else name, "email": email, "phone": phone})
    ctx.session.add(PartnerContact(id=new_id(), **ids, **contact))
