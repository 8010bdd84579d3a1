"""Register entries in the standards of the world: read, checked and written without loss."""

from synapolis.civic.formats.convert import Exported, export, read_document, read_entries
from synapolis.civic.formats.standard import STANDARDS, check, json_schema

__all__ = ["STANDARDS", "Exported", "check", "export", "json_schema", "read_document", "read_entries"]
