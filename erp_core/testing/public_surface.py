"""The modules that plugins may import; everything else of the core is private and may change without notice."""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC_MODULES: Mapping[str, str] = {
    "erp_core.kernel.context": "Context and Actor, which every service is given.",
    "erp_core.kernel.errors": "Problem and the general refusals.",
    "erp_core.kernel.ids": "Identifiers.",
    "erp_core.kernel.database.model": "What tables have in common.",
    "erp_core.kernel.plugins.manifest": "Manifest and Label.",
    "erp_core.kernel.plugins.declarations": "RoleTemplate and DemoStep.",
    "erp_core.kernel.plugins.specs": "hookimpl and the reference of every hook.",
    "erp_core.kernel.resources.declaration": "Resource.",
    "erp_core.kernel.resources.show": "Answering with an object as its resource renders it.",
    "erp_core.kernel.http.routing": "route, Reply and the two permissions that are none.",
    "erp_core.kernel.http.everyday": "EverydayRoute.",
    "erp_core.kernel.queries.pipeline": "statement, Call and encode, for everyday writes.",
    "erp_core.kernel.queries.plan": "Plan.",
    "erp_core.kernel.queries.sync": "execute_plan.",
    "erp_core.kernel.tasks.declaration": "Task and Schedule.",
    "erp_core.kernel.tasks.jobs": "start_job and JobHandle.",
    "erp_core.kernel.migrations.ops": "Helpers for revisions.",
    "erp_core.partners.schemas": "Partners: bodies, answers and events.",
    "erp_core.partners.services": "Partners: commands.",
    "erp_core.partners.rules": "Partners: pure rules.",
    "erp_core.partners.errors": "Partners: refusals.",
    "erp_core.products.schemas": "Products: bodies, answers and events.",
    "erp_core.products.services": "Products: commands.",
    "erp_core.products.rules": "Products: pure rules, units of measure among them.",
    "erp_core.products.errors": "Products: refusals.",
    "erp_core.inventory.schemas": "Inventory: bodies, answers and events.",
    "erp_core.inventory.services": "Inventory: commands.",
    "erp_core.inventory.rules": "Inventory: pure rules.",
    "erp_core.inventory.errors": "Inventory: refusals.",
    "erp_core.testing": "Fixtures and the conformance suite.",
}
