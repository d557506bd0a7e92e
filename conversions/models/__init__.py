from conversions.models.click import Click, Consent, Robot
from conversions.models.consent_record import ConsentRecord
from conversions.models.conversion import Conversion
from conversions.models.enrichment import Enrichment
from conversions.models.erasure import Erasure
from conversions.models.ledger_entry import LedgerEntry
from conversions.models.postback import Postback
from conversions.models.sighting import Sighting
from conversions.models.strange_page import StrangePage
from conversions.models.upload import Upload, UploadRow

__all__ = [
    "Click",
    "Consent",
    "ConsentRecord",
    "Conversion",
    "Enrichment",
    "Erasure",
    "LedgerEntry",
    "Postback",
    "Robot",
    "Sighting",
    "StrangePage",
    "Upload",
    "UploadRow",
]
