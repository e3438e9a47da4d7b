"""Releases as tables, made by `flattentool`, the standard's own tool, which keeps its rows in a file while it works.

It imports two packages that are published as source alone, so that installing them means building them. Neither is needed
here, and something empty stands in for each:

- `odf` reads and writes sheets of OpenDocument, which are not made;
- `zc.zlibstorage` compresses the file of rows. As it is, that file holds 1.6 bytes for each byte of releases; compressed it
  held 0.4, and saved no time. It is removed when the tables are made.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from types import ModuleType

import zc

from market import ocds


def _stand_in(name: str, **holds: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(holds)
    sys.modules[name] = made
    return made


def _uncompressed(storage: object) -> object:
    return storage


_stand_in(
    "odf",
    opendocument=_stand_in("odf.opendocument", load=None, OpenDocumentSpreadsheet=None),
    table=_stand_in("odf.table", Table=None, TableCell=None, TableRow=None),
    text=_stand_in("odf.text", P=None),
)
zc.zlibstorage = _stand_in("zc.zlibstorage", ZlibStorage=_uncompressed)

import flattentool  # noqa: E402 - it imports what stands in


def flatten(releases: Path, to: Path, form: str) -> None:
    """Write the releases of a package as tables: a folder of `csv`, or a workbook (`xlsx`). Anything else is refused."""
    if form not in ("csv", "xlsx"):
        raise ValueError(f"{form} is not made here")
    with warnings.catch_warnings():
        # It warns of fields that the core schema does not know: those of the extensions, which get columns all the same.
        warnings.simplefilter("ignore")
        flattentool.flatten(
            str(releases),
            schema=str(ocds.SCHEMA),
            output_name=str(to),
            output_format=form,
            main_sheet_name="processes",
            root_list_path="releases",
            root_id="ocid",
            remove_empty_schema_columns=True,
        )
