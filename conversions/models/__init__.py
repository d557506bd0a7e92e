from conversions.models.click import Click, Consent
from conversions.models.conversion import Conversion
from conversions.models.ledger_entry import LedgerEntry
from conversions.models.postback import Postback
from conversions.models.upload import Upload, UploadRow

__all__ = ["Click", "Consent", "Conversion", "LedgerEntry", "Postback", "Upload", "UploadRow"]
