"""Files as users have them → the typed tables, with a report of every row that was set aside.

`open_raw` looks at the bytes, `recognise` at the headers and values, `default_mapping` puts both into a mapping that the
user can correct, and one reader a table streams the typed rows.
"""

from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.changes import read_changes
from cx_metrics.reading.customers import read_customers
from cx_metrics.reading.dates import TIME_FORMATS
from cx_metrics.reading.dictionary import look_up, propose, propose_goal
from cx_metrics.reading.dictionary_file import read_dictionary_csv, write_dictionary_csv
from cx_metrics.reading.encodings import ENCODINGS
from cx_metrics.reading.files import RawFile, open_raw
from cx_metrics.reading.invitations import read_invitations
from cx_metrics.reading.keeping import KeptMapping, fingerprint, mapping_from_yaml, mapping_to_yaml, saved_mapping
from cx_metrics.reading.mapping import FileMapping, NameMapping, check_mapping, mappable
from cx_metrics.reading.matching import ColumnMatch
from cx_metrics.reading.opening import PlainTable, open_upload
from cx_metrics.reading.presets import Preset, presets
from cx_metrics.reading.pseudonyms import pseudonym
from cx_metrics.reading.questions import Question, answered
from cx_metrics.reading.recognise import default_mapping, recognise
from cx_metrics.reading.recognition import Recognition
from cx_metrics.reading.report import Reason, Report, RowProblem, quoted, shorten
from cx_metrics.reading.rewriting import Rewritten, rewrite
from cx_metrics.reading.set_aside import AsideRow, Every
from cx_metrics.reading.shapes import Kind, KindsBy, Spread, SpreadColumn
from cx_metrics.reading.spend import read_spend
from cx_metrics.reading.surveys import read_surveys
from cx_metrics.reading.touchpoints import read_touchpoints
from cx_metrics.reading.typed import Typed

__all__ = [
    "ENCODINGS",
    "TIME_FORMATS",
    "AsideRow",
    "ColumnMatch",
    "Every",
    "FileMapping",
    "KeptMapping",
    "Kind",
    "KindsBy",
    "NameMapping",
    "PlainTable",
    "Preset",
    "Question",
    "RawFile",
    "Reason",
    "Recognition",
    "Report",
    "Rewritten",
    "RowProblem",
    "Spread",
    "SpreadColumn",
    "Typed",
    "answered",
    "check_mapping",
    "default_mapping",
    "fingerprint",
    "look_up",
    "mappable",
    "mapping_from_yaml",
    "mapping_to_yaml",
    "open_raw",
    "open_upload",
    "presets",
    "propose",
    "propose_goal",
    "pseudonym",
    "quoted",
    "read_batches",
    "read_changes",
    "read_customers",
    "read_dictionary_csv",
    "read_invitations",
    "read_spend",
    "read_surveys",
    "read_touchpoints",
    "recognise",
    "rewrite",
    "saved_mapping",
    "shorten",
    "write_dictionary_csv",
]
