from conversions.admin.click import ClickAdmin
from conversions.admin.consent_record import ConsentRecordAdmin
from conversions.admin.conversion import ConversionAdmin
from conversions.admin.network import ConnectedNetworkAdmin
from conversions.admin.offer import ConnectedOfferAdmin
from conversions.admin.postback import PostbackAdmin
from conversions.admin.upload import UploadAdmin

__all__ = [
    "ClickAdmin",
    "ConnectedNetworkAdmin",
    "ConnectedOfferAdmin",
    "ConsentRecordAdmin",
    "ConversionAdmin",
    "PostbackAdmin",
    "UploadAdmin",
]
