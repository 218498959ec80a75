"""Settings, read top to bottom. Everything that differs between installations comes from the environment."""

import os
import sys
from email.utils import parseaddr
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from crm import embedded, env

BASE_DIR = Path(__file__).resolve().parent.parent
TESTING = "pytest" in sys.modules
if not TESTING and env.flag("RAPPORT_DOTENV", True):
    env.load_dotenv(BASE_DIR / ".env")

# -- the installation ---------------------------------------------------------------------------

HOME = env.path("RAPPORT_HOME", BASE_DIR / "var" / "test" if TESTING else BASE_DIR / "var")
ENVIRONMENT = env.one_of("RAPPORT_ENV", "test" if TESTING else "development", ["development", "production", "test", "drill"])
PRODUCTION = ENVIRONMENT == "production"
TESTING = TESTING or ENVIRONMENT == "test"
DEBUG = env.flag("DEBUG", False)
BIND = env.text("BIND", "127.0.0.1")
PORT = env.number("PORT", 8000, least=1, most=65535)
SITE_URL = env.url("SITE_URL", f"http://localhost:{PORT}", ["http", "https"]).rstrip("/")
SITE_HOST = urlsplit(SITE_URL).hostname or ""
if not SITE_HOST or urlsplit(SITE_URL).path:
    raise ImproperlyConfigured("SITE_URL: expected a host name and nothing after it, for example https://crm.example.com.")
SECRET_KEY = env.secret("SECRET_KEY") or embedded.local_secret(HOME, PRODUCTION)
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", [] if PRODUCTION else [SITE_HOST, "localhost", "127.0.0.1", "[::1]", "testserver"])
TRUSTED_PROXY_COUNT = env.number("TRUSTED_PROXY_COUNT", 0, least=0, most=5)

if PRODUCTION:
    if DEBUG:
        raise ImproperlyConfigured("DEBUG must be off in production.")
    if len(SECRET_KEY) < 50 or len(set(SECRET_KEY)) < 5 or SECRET_KEY.startswith("django-insecure-"):
        raise ImproperlyConfigured("SECRET_KEY must have at least 50 random characters in production.")
    if not ALLOWED_HOSTS or "*" in ALLOWED_HOSTS:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts of this installation (never *).")
    if not SITE_URL.startswith("https://"):
        raise ImproperlyConfigured("SITE_URL must start with https:// in production.")

FAULTS = env.words("RAPPORT_FAULTS")
if FAULTS and ENVIRONMENT != "drill":
    raise ImproperlyConfigured("RAPPORT_FAULTS takes protections away; only RAPPORT_ENV=drill may set it.")

OUR_PACKAGES = frozenset({"crm", "customers", "sales", "tasks", "communications", "analytics", "integrations"})

# -- applications -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "whitenoise.runserver_nostatic",
    "crm.ui.apps.StaticConfig",
    "crm.adminsite.AdminConfig",
    "django_cotton.apps.SimpleAppConfig",
    "template_partials.apps.SimpleAppConfig",
    "django_htmx",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "guardian",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "django_celery_beat",
    "django_prometheus",
    "crm.jobs",
    "crm.activity",
    "crm.accounts",
    "crm.access",
    "crm.records",
    "crm.search",
    "crm.realtime",
    "crm.api",
    "crm.ui",
    "crm.lists",
    "crm.transfer",
    "crm.notifications",
    "crm.workspace",
    "crm.operations",
    "customers",
    "sales",
    "tasks",
    "communications",
    "analytics",
    "integrations",
    "crm.demo",
]
if ENVIRONMENT == "drill":
    INSTALLED_APPS.append("crm.operations.drills.apps.DrillsConfig")

MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "crm.lib.http.RequestIdMiddleware",
    "crm.lib.http.CompressPagesMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "crm.lib.contentpolicy.ContentPolicyMiddleware",
    "crm.operations.health.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.lib.http.UnavailableMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "crm.accounts.middleware.AccountMiddleware",
    "crm.access.preview.PreviewMiddleware",
    "crm.ui.middleware.OriginMiddleware",
    "crm.ui.middleware.LocaleFromProfileMiddleware",
    "crm.ui.middleware.HtmxMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

ROOT_URLCONF = "crm.urls"
ASGI_APPLICATION = "crm.asgi.application"
APPEND_SLASH = False
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "django.templatetags.i18n",
                "crm.ui.templatetags.ui",
                "crm.ui.templatetags.constant",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.ui.context.shell",
            ],
        },
    }
]
FORM_RENDERER = "crm.ui.forms.Renderer"

# -- data ---------------------------------------------------------------------------------------

# Python computes in one thread at a time: a process for each core, and the database needs its share of four or more.
WEB_WORKERS = env.number("WEB_WORKERS", min(4, os.cpu_count() or 1), least=1, most=64)
WEB_DRAIN_SECONDS = env.number("WEB_DRAIN_SECONDS", 5, least=0, most=300)
WEB_THREADS = env.number("WEB_THREADS", 12, least=1, most=200)
MAX_SOCKETS = env.number("MAX_SOCKETS", 10_000, least=1, most=1_000_000)
DATABASE_URL = env.url("DATABASE_URL", "", ["postgres", "postgresql"])
DATABASES = {"default": embedded.database(DATABASE_URL, HOME)}
DATABASES["default"]["CONN_MAX_AGE"] = 0
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["OPTIONS"] |= {
    "pool": {
        "min_size": env.number("DATABASE_POOL_MIN", 1, least=0, most=100),
        "max_size": env.number("DATABASE_POOL_MAX", WEB_THREADS + 4, least=1, most=500),
        "timeout": 3,
        "max_idle": 300,
        "reconnect_timeout": 10,
    },
    "prepare_threshold": 1 if env.flag("DATABASE_PREPARE", True) else None,  # crm.lib.prepared
    "connect_timeout": 3,
    "application_name": "rapport",
    "options": "-c statement_timeout=30000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000 -c TimeZone=UTC",
}
REDIS_URL_GIVEN = env.url("REDIS_URL", "", ["redis", "rediss", "unix"])
REDIS_URL = REDIS_URL_GIVEN or embedded.redis_url(HOME)
if PRODUCTION:
    password = str(DATABASES["default"].get("PASSWORD", ""))
    if password.lower() in embedded.KNOWN_PASSWORDS or password == DATABASES["default"]["USER"]:
        raise ImproperlyConfigured("DATABASE_URL must name a server and a password of its own in production.")
    if not REDIS_URL_GIVEN:
        raise ImproperlyConfigured("REDIS_URL must name a server in production.")
CACHES = {
    "default": {
        "BACKEND": "crm.lib.cache.ResilientCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rapport",
        "TIMEOUT": 300,
        "OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1, "health_check_interval": 15},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

# -- people -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # the address is unique by an expression: whatever its case
AUTHENTICATION_BACKENDS = [
    "crm.accounts.backends.Backend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
GUARDIAN_MONKEY_PATCH_GROUP = False
PASSWORD_HASHERS = [
    "crm.testing.hashers.Quick" if TESTING else "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_MIN_LENGTH = env.number("PASSWORD_MIN_LENGTH", 8, least=8, most=64)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": PASSWORD_MIN_LENGTH}},
    {"NAME": "crm.accounts.passwords.MaximumLength"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "crm.accounts.passwords.HardToGuess"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/welcome"  # asks an administrator at the first sign-in, and leads everybody else to Home
ACCOUNT_ADAPTER = "crm.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = False  # crm.accounts.throttle counts in the database
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "crm.accounts.reset.ResetTokens"  # noqa: S105
ACCOUNT_FORMS = {
    "login": "crm.accounts.forms.SignInForm",
    "reauthenticate": "crm.accounts.forms.ConfirmForm",
    "set_password": "crm.accounts.forms.NewPasswordForm",
    "reset_password_from_key": "crm.accounts.forms.ResetPasswordKeyForm",
    "reset_password": "crm.accounts.forms.ResetPasswordForm",
    "change_password": "crm.accounts.forms.ChangePasswordForm",
}
PASSWORD_RESET_TIMEOUT = 60 * 60
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Rapport"
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
MFA_ADAPTER = "crm.accounts.adapter.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "crm.accounts.forms.AuthenticateForm",
    "reauthenticate": "crm.accounts.forms.ReauthenticateForm",
    "activate_totp": "crm.accounts.forms.SetUpAppForm",
    "add_webauthn": "crm.accounts.forms.AddPasskeyForm",
    "edit_webauthn": "crm.accounts.forms.EditPasskeyForm",
}
USERSESSIONS_TRACK_ACTIVITY = False  # crm.accounts.middleware does it once in five minutes
SESSION_COOKIE_AGE = 86_400 * env.number("SESSION_MAX_DAYS", 14, least=1, most=90)
SESSION_IDLE_SECONDS = 3600 * env.number("SESSION_IDLE_HOURS", 72, least=1, most=2160)
REGISTRATION_OPEN = env.flag("REGISTRATION_OPEN", False)
JWT_ACCESS_SECONDS = env.number("JWT_ACCESS_SECONDS", 600, least=60, most=600)
JWT_REFRESH_DAYS = env.number("JWT_REFRESH_DAYS", 14, least=1, most=90)

# -- security -----------------------------------------------------------------------------------

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_NAME = "__Host-session" if PRODUCTION else "session"
CSRF_COOKIE_NAME = "__Host-csrftoken" if PRODUCTION else "csrftoken"
CSRF_TRUSTED_ORIGINS = env.origins("CSRF_TRUSTED_ORIGINS", [SITE_URL])
CSRF_FAILURE_VIEW = "crm.ui.errors.csrf_failure"
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", PRODUCTION)
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "frame-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_HEADERS = [
    "accept", "accept-language", "authorization", "content-type", "idempotency-key", "if-match", "if-none-match",
    "x-csrftoken", "x-request-id", "x-requested-with",
]
CORS_EXPOSE_HEADERS = [
    "Content-Disposition", "ETag", "Idempotent-Replayed", "Location", "Retry-After", "X-RateLimit-Limit",
    "X-RateLimit-Remaining", "X-RateLimit-Reset", "X-Request-ID",
]
DATA_UPLOAD_MAX_MEMORY_SIZE = env.number("MAX_BODY_BYTES", 5_242_880, least=1024)
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
MAX_UPLOAD_BYTES = env.number("MAX_UPLOAD_BYTES", 524_288_000, least=1024)
MAX_DOCUMENT_BYTES = env.number("MAX_DOCUMENT_BYTES", 52_428_800, least=1024)

# -- languages, numbers, time -------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_PHONE_REGION = env.text("DEFAULT_PHONE_REGION", "US")
if DEFAULT_PHONE_REGION not in embedded.regions():
    raise ImproperlyConfigured("DEFAULT_PHONE_REGION: expected the two capital letters of a country, for example DE.")
CURRENCIES = frozenset(embedded.currencies())

# -- files --------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [p for p in (BASE_DIR / "static" / "dist",) if p.is_dir()]
MEDIA_ROOT = HOME / "media"
MEDIA_URL = "/media-is-not-served/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "crm.ui.staticfiles.Storage"
        if not (DEBUG or TESTING)
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_ALLOW_ALL_ORIGINS = False
if TESTING:
    WHITENOISE_USE_FINDERS = True
    WHITENOISE_AUTOREFRESH = False

# -- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.authentication.BearerAuthentication",
        "crm.api.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["crm.api.renderers.JSONRenderer", "crm.api.renderers.XMLRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["crm.api.throttling.QuotaThrottle"],
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.document.AutoSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "crm.api.negotiation.ContentNegotiation",
    "EXCEPTION_HANDLER": "crm.api.errors.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
API_QUOTA_PER_MINUTE = env.number("API_QUOTA_PER_MINUTE", 1200, least=1)
SPECTACULAR_SETTINGS = {
    "TITLE": "Rapport API",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["crm.api.schema.document.finish"],
}

# -- background, live ---------------------------------------------------------------------------

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "rapport-live"},
    }
}
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)
CELERY_TASK_IGNORE_RESULT = True
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# -- mail ---------------------------------------------------------------------------------------

EMAIL_BACKEND = env.text(
    "EMAIL_BACKEND",
    "django.core.mail.backends.smtp.EmailBackend" if env.text("EMAIL_HOST") else "django.core.mail.backends.filebased.EmailBackend",
)
if find_spec(EMAIL_BACKEND.partition(".")[0]) is None or "." not in EMAIL_BACKEND:
    raise ImproperlyConfigured(f"EMAIL_BACKEND: there is no {EMAIL_BACKEND}.")
EMAIL_FILE_PATH = HOME / "outbox"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL", False)
if EMAIL_USE_TLS and EMAIL_USE_SSL:
    raise ImproperlyConfigured("EMAIL_USE_TLS (STARTTLS) and EMAIL_USE_SSL (TLS from the first byte) exclude each other.")
EMAIL_PORT = env.number("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25, least=1, most=65535)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.secret("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = 15
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", f"Rapport <rapport@{SITE_HOST}>")
if "@" not in parseaddr(DEFAULT_FROM_EMAIL)[1]:
    raise ImproperlyConfigured("DEFAULT_FROM_EMAIL: expected an address, for example Rapport <rapport@example.com>.")

# -- logs ---------------------------------------------------------------------------------------

LOG_LEVEL = env.one_of("LOG_LEVEL", "INFO", ["DEBUG", "INFO", "WARNING", "ERROR"])
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso"),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": "WARNING" if TESTING else LOG_LEVEL},
    "loggers": {"django.request": {"level": "ERROR"}, "django.server": {"level": "WARNING"}},
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)

METRICS_TOKEN = env.secret("METRICS_TOKEN")

# -- demo ---------------------------------------------------------------------------------------

DEMO_PASSWORD = env.secret("RAPPORT_DEMO_PASSWORD")
if PRODUCTION and DEMO_PASSWORD:
    raise ImproperlyConfigured("RAPPORT_DEMO_PASSWORD is for demonstrations, not for production.")
