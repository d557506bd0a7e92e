"""Settings. Everything that differs between installations comes from the environment; see `.env.example`."""

from typing import Any
from urllib.parse import urlsplit

from django.templatetags.static import static

from trackingsite.environment import (
    BASE_DIR,
    read_database,
    read_environment,
    read_mail,
    state_dir,
    strict_bool,
    strict_number,
)
from trackingsite.sidebar import NAVIGATION

env = read_environment()

STATE_DIR = state_dir()
DEBUG = strict_bool(env, "DJANGO_DEBUG", False)
SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="")
FIELD_ENCRYPTION_KEYS: list[str] = env.list("FIELD_ENCRYPTION_KEYS", default=[])

WEB_PORT = int(strict_number(env, "WEB_PORT", 8000, most=65535))
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default=f"http://127.0.0.1:{WEB_PORT}").rstrip("/")
IS_HTTPS = PUBLIC_BASE_URL.startswith("https://")
TRUSTED_PROXIES: list[str] = env.list("TRUSTED_PROXIES", default=[])
COOKIE_DOMAIN = env.str("COOKIE_DOMAIN", default="")
COUNTRY_HEADER = env.str("COUNTRY_HEADER", default="")
REGION_HEADER = env.str("REGION_HEADER", default="")
GEOIP_PATH = env.str("GEOIP_PATH", default="")

# TikTok
TIKTOK_API_URL = env.str("TIKTOK_API_URL", default="https://business-api.tiktok.com").rstrip("/")
TIKTOK_PIXEL_URL = env.str("TIKTOK_PIXEL_URL", default="https://analytics.tiktok.com").rstrip("/")
TIKTOK_DEADLINE_SECONDS = strict_number(env, "TIKTOK_DEADLINE_SECONDS", 10)
DELIVERY_LEASE_SECONDS = strict_number(env, "DELIVERY_LEASE_SECONDS", 60)
TIKTOK_BATCH_SIZE = int(strict_number(env, "TIKTOK_BATCH_SIZE", 100))
# TikTok's lowest published limit is 1,000 requests a minute; 0 means no cap of ours.
TIKTOK_REQUESTS_PER_SECOND = strict_number(env, "TIKTOK_REQUESTS_PER_SECOND", 16)
ALLOW_CUSTOM_EVENT_NAMES = strict_bool(env, "ALLOW_CUSTOM_EVENT_NAMES", False)
DEMO_ADMIN_PASSWORD = env.str("DEMO_ADMIN_PASSWORD", default="")

# What the site keeps, in days; 0 means for ever. TikTok counts a conversion up to 28 days after its click.
RETENTION_PAYLOAD_DAYS = strict_number(env, "RETENTION_PAYLOAD_DAYS", 30, most=36500)
RETENTION_ATTEMPT_DAYS = strict_number(env, "RETENTION_ATTEMPT_DAYS", 90, most=36500)
RETENTION_POSTBACK_DAYS = strict_number(env, "RETENTION_POSTBACK_DAYS", 180, most=36500)
RETENTION_SEALED_DAYS = strict_number(env, "RETENTION_SEALED_DAYS", 14, most=36500)
RETENTION_VISITOR_DAYS = strict_number(env, "RETENTION_VISITOR_DAYS", 60, most=36500)
RETENTION_TEST_DAYS = strict_number(env, "RETENTION_TEST_DAYS", 30, most=36500)
CREDENTIAL_ROTATION_DAYS = strict_number(env, "CREDENTIAL_ROTATION_DAYS", 90, most=36500)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# Mail, for alerts. Without a server nothing is sent, and the channels say so.
HAS_MAIL_SERVER = bool(env.str("EMAIL_URL", default=""))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default=f"alerts@{urlsplit(PUBLIC_BASE_URL).hostname}")
globals().update(read_mail(env))
EMAIL_TIMEOUT = 10

# Django
ALLOWED_HOSTS: list[str] = env.list(
    "DJANGO_ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_BASE_URL).hostname or ""],
)
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "import_export",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_q",
    "offers",
    "conversions",
    "dispatch",
    "trackingsite",
]
MIDDLEWARE = [
    "trackingsite.middleware.DatabaseAwayMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "trackingsite.middleware.HotPathMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "conversions.middleware.ClickCookieMiddleware",
]
LOGIN_REDIRECT_URL = "/admin/"
ROOT_URLCONF = "trackingsite.urls"
WSGI_APPLICATION = "trackingsite.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SILENCED_SYSTEM_CHECKS = [
    # Redirecting to https and HSTS are the business of the proxy that ends TLS; a postback must not be redirected.
    "security.W004",
    "security.W008",
] + ([] if IS_HTTPS else ["security.W012", "security.W016"])

# Databases
DATABASES: dict[str, dict[str, Any]] = {"default": read_database(env)}
IS_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
if IS_SQLITE:
    # IMMEDIATE makes `atomic()` the writer's lock, which select_for_update is on PostgreSQL. FULL keeps
    # "200 means committed" true over a power cut.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "prepare_threshold": 5,  # a postback's INSERT is the one statement that asks for it
        "options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s",
        **DATABASES["default"].get("OPTIONS", {}),  # from the URL, such as sslmode=require
    }
    if DATABASES["default"]["OPTIONS"]["prepare_threshold"] == "None":  # from the URL, for an old PgBouncer
        DATABASES["default"]["OPTIONS"]["prepare_threshold"] = None
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

# Wake-ups; the clock is pulse.py. Why these values: django-q2 redelivers `retry` seconds after the claim, so it stays
# above timeout * (queue_limit / workers + 1); its result table is off, because our rows are the record. So is its
# scheduler, which stops for good at one malformed row and would run any function that a row names.
REDIS_URL = env.str("REDIS_URL", default="")
WORKERS = int(strict_number(env, "WORKERS", 2))
Q_CLUSTER: dict[str, Any] = {
    "name": "trackingsite",
    "workers": WORKERS,
    "timeout": 60,
    "retry": 200,
    "queue_limit": WORKERS,
    "bulk": 1,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "scheduler": False,
    "guard_cycle": 1,
    "poll": 0.2,
    "recycle": 500,
    "max_rss": 300_000,
    "label": "Wake-ups",
    "broker_class": f"trackingsite.brokers.{'RedisBroker' if REDIS_URL else 'DatabaseBroker'}",
    **({} if REDIS_URL else {"orm": "default"}),
}

# What else the API needs stands on its own views, so that the postback gateway has none of it.
REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None, "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Conversion tracking",
    "DESCRIPTION": "What the pages of the admin say, for programs. Whatever fails has `code` and `message`.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["dispatch.api.docs.only_ours"],
    "ENUM_NAME_OVERRIDES": {
        "DecisionVerdict": "dispatch.models.ScaleDecision.Verdict",
        "TraceVerdict": "dispatch.diagnosis.verdicts.Verdict",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "validatorUrl": None},  # the validator is on another host
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"redact": {"()": "trackingsite.redaction.RedactingFilter"}},
    "formatters": {
        "line": {
            "()": "trackingsite.redaction.RedactingFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["redact"], "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        # An address with a thousand parameters is answered with 400; anybody could fill the log with its trace.
        "django.security.TooManyFieldsSent": {"level": "CRITICAL"},
        "django-q": {"handlers": ["console"], "level": "WARNING", "propagate": False},
    },
}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Conversion tracking",
    "SITE_HEADER": "Conversion tracking",
    "SITE_SYMBOL": "conversion_path",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("trackingsite/favicon.svg")}
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "trackingsite.dashboard.dashboard",
    "SIDEBAR": {"show_search": False, "navigation": NAVIGATION},
}
