"""TikTok's fixed words that staff choose from: event names, currencies, pixel codes.

Source: TikTok's "Supported standard events" (September 2025) and the Events API 2.0 parameter table.
"""

from django.db.models import TextChoices


class StandardEvent(TextChoices):
    """The events that TikTok can optimise for, under the names in force since May 2025."""

    ADD_PAYMENT_INFO = "AddPaymentInfo", "AddPaymentInfo"
    ADD_TO_CART = "AddToCart", "AddToCart"
    ADD_TO_WISHLIST = "AddToWishlist", "AddToWishlist"
    APPLICATION_APPROVAL = "ApplicationApproval", "ApplicationApproval"
    COMPLETE_REGISTRATION = "CompleteRegistration", "CompleteRegistration"
    CONTACT = "Contact", "Contact"
    CUSTOMIZE_PRODUCT = "CustomizeProduct", "CustomizeProduct"
    DOWNLOAD = "Download", "Download"
    FIND_LOCATION = "FindLocation", "FindLocation"
    INITIATE_CHECKOUT = "InitiateCheckout", "InitiateCheckout"
    LEAD = "Lead", "Lead"
    PURCHASE = "Purchase", "Purchase"
    SCHEDULE = "Schedule", "Schedule"
    SEARCH = "Search", "Search"
    START_TRIAL = "StartTrial", "StartTrial"
    SUBMIT_APPLICATION = "SubmitApplication", "SubmitApplication"
    SUBSCRIBE = "Subscribe", "Subscribe"
    VIEW_CONTENT = "ViewContent", "ViewContent"


RENAMED_EVENTS = {"CompletePayment": "Purchase", "SubmitForm": "Lead"}
"""Old names that TikTok still converts; a browser copy and a server copy must not use different ones."""

CURRENCIES = frozenset(
    [
        "AED",
        "ARS",
        "AUD",
        "BDT",
        "BHD",
        "BIF",
        "BOB",
        "BRL",
        "CAD",
        "CHF",
        "CLP",
        "CNY",
        "COP",
        "CRC",
        "CZK",
        "DKK",
        "DZD",
        "EGP",
        "EUR",
        "GBP",
        "GTQ",
        "HKD",
        "HNL",
        "HUF",
        "IDR",
        "ILS",
        "INR",
        "ISK",
        "JPY",
        "KES",
        "KHR",
        "KRW",
        "KWD",
        "KZT",
        "MAD",
        "MOP",
        "MXN",
        "MYR",
        "NGN",
        "NIO",
        "NOK",
        "NZD",
        "OMR",
        "PEN",
        "PHP",
        "PKR",
        "PLN",
        "PYG",
        "QAR",
        "RON",
        "RUB",
        "SAR",
        "SEK",
        "SGD",
        "THB",
        "TRY",
        "TWD",
        "UAH",
        "USD",
        "VES",
        "VND",
        "ZAR",
    ]
)
"""ISO 4217 codes that TikTok accepts for `properties.currency`."""

PIXEL_CODE_PATTERN = r"^[A-Z0-9]{8,40}$"
"""TikTok's pixel codes are upper-case letters and digits; the pattern also keeps script out of the snippet."""
