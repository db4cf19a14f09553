"""Files as people have them → text and rows that know their line; strict JSON; what is wrong is named by file and line."""

from afina.files.chat_rows import placed_chats, read_chats, read_turns
from afina.files.documents import read_documents, read_source
from afina.files.rows import SourceRow, cell_text, read_jsonl, read_rows, require_columns
from afina.files.strict_json import JsonProblem, read_json_text
from afina.files.text_files import NOTICES, numbered_lines, read_text

__all__ = [
    "NOTICES",
    "JsonProblem",
    "SourceRow",
    "cell_text",
    "numbered_lines",
    "placed_chats",
    "read_chats",
    "read_documents",
    "read_json_text",
    "read_jsonl",
    "read_rows",
    "read_source",
    "read_text",
    "read_turns",
    "require_columns",
]
