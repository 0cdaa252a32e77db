"""Everything that the children of `erp up` import, imported once before they are forked."""

from __future__ import annotations

import gc
from importlib.metadata import entry_points

import erp_core.app
import erp_core.cli.serve
import erp_core.cli.server
import erp_core.cli.workers
import erp_core.kernel.http.app
import erp_core.kernel.services_registry
import erp_core.kernel.tasks.worker  # noqa: F401 - importing is all that this module is for
from erp_core.kernel.plugins.manager import ENTRY_POINTS

for _entry in entry_points(group=ENTRY_POINTS):
    _entry.load()

# A collection in a child would write to every object's header and so copy the pages that are shared.
gc.collect()
gc.freeze()
