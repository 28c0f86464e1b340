"""Django's settings, built from arguments instead of a module, and its own tables.

Users, sessions and second factors live apart from the domain: a SQLite file of their own on the embedded default, the
same server on PostgreSQL.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONCE, NONE, SELF

from counterfoil.web.system import System, install

HERE = Path(__file__).parent
LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]", "testserver"}
SESSION_HOURS = 12
FAILURES_MAX = 5
LOCKED_FOR = timedelta(minutes=15)
STATIC_MAX_AGE_S = 30 * 24 * 3600  # addresses carry a fingerprint of the content

_CONTENT_SECURITY = {
    "default-src": [SELF],
    "script-src": [SELF, NONCE],
    "style-src": [SELF, NONCE],
    "img-src": [SELF, "data:"],  # the QR code of a second factor is a data address
    "object-src": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [NONE],
    "form-action": [SELF],
}


def configure(
    system: System, *, data_dir: Path, secret_key: str, allowed_hosts: list[str], debug: bool = False
) -> None:
    """Install the system and set Django up; a second call only changes the system."""
    import django
    from django.conf import settings

    install(system)
    if settings.configured:
        return
    secure = not set(allowed_hosts) <= LOOPBACK
    settings.configure(
        **_base(secret_key, allowed_hosts, debug),
        **_security(allowed_hosts, secure),
        **_accounts(),
        DATABASES={"default": django_database(system, data_dir)},
    )
    django.setup()


def prepare_tables() -> None:
    """Migrate Django's own tables and make a group for each role. Running it twice does nothing the second time."""
    from django.contrib.auth.models import Group
    from django.core.management import call_command

    from counterfoil.web.access import ROLES

    call_command("migrate", verbosity=0, interactive=False)
    call_command("createcachetable", verbosity=0)
    for role in ROLES:
        Group.objects.get_or_create(name=role)


def django_database(system: System, data_dir: Path) -> dict[str, Any]:
    """Where Django keeps its tables: `console.sqlite3` in the data folder, or our PostgreSQL server."""
    if system.database.dialect == "sqlite":
        data_dir.mkdir(parents=True, exist_ok=True)
        options = {
            "transaction_mode": "IMMEDIATE",
            "timeout": 10,
            # A fault in older SQLite can corrupt a write-ahead log; a rollback journal is not touched by it.
            "init_command": "pragma journal_mode=delete; pragma synchronous=full;",
        }
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": data_dir / "console.sqlite3", "OPTIONS": options}
    return _postgres(str(getattr(system, "database_url", "")))


def _postgres(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options,
    }


def _base(secret_key: str, allowed_hosts: list[str], debug: bool) -> dict[str, Any]:
    return {
        "SECRET_KEY": secret_key,
        "DEBUG": debug,
        "ALLOWED_HOSTS": allowed_hosts,
        "ROOT_URLCONF": "counterfoil.web.urls",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "allauth",
            "allauth.account",
            "allauth.mfa",
            "axes",
            "csp",
            "django_htmx",
            "rules",
        ],
        "MIDDLEWARE": [
            "django.middleware.security.SecurityMiddleware",
            "csp.middleware.CSPMiddleware",
            "whitenoise.middleware.WhiteNoiseMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "django_htmx.middleware.HtmxMiddleware",
            "allauth.account.middleware.AccountMiddleware",
            "counterfoil.web.gate.AccessMiddleware",
            "axes.middleware.AxesMiddleware",
        ],
        "TEMPLATES": _templates(),
        "CACHES": {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "console_cache"}},
        "STATIC_URL": "/static/",
        "STATICFILES_DIRS": [HERE / "static"],
        "WHITENOISE_USE_FINDERS": True,
        "WHITENOISE_AUTOREFRESH": debug,
        "WHITENOISE_MAX_AGE": STATIC_MAX_AGE_S,
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "LANGUAGE_CODE": "en-gb",
        "TIME_ZONE": "UTC",
        "USE_TZ": True,
        "LOGGING_CONFIG": None,
        "CSRF_FAILURE_VIEW": "counterfoil.web.errors.form_expired",
    }


def _templates() -> list[dict[str, Any]]:
    context = [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]
    return [
        {
            "BACKEND": "django.template.backends.jinja2.Jinja2",
            "DIRS": [HERE / "templates"],
            "OPTIONS": {
                "environment": "counterfoil.web.jinja.environment",
                "context_processors": [*context, "counterfoil.web.jinja.page_context"],
            },
        },
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [HERE / "account_templates"],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [*context, "counterfoil.web.jinja.page_context"],
                "builtins": ["counterfoil.web.templatetags"],
            },
        },
    ]


def _security(allowed_hosts: list[str], secure: bool) -> dict[str, Any]:
    named = [host for host in allowed_hosts if host not in LOOPBACK]
    return {
        "SESSION_COOKIE_NAME": "counterfoil_session",
        "SESSION_COOKIE_AGE": SESSION_HOURS * 3600,
        "SESSION_COOKIE_SECURE": secure,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_NAME": "counterfoil_csrf",
        "CSRF_COOKIE_SECURE": secure,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_TRUSTED_ORIGINS": [
            f"https://{'*' if host.startswith('.') else ''}{host}" for host in named if host != "*"
        ],
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600 if secure else 0,
        "X_FRAME_OPTIONS": "DENY",
        "CONTENT_SECURITY_POLICY": {"DIRECTIVES": _CONTENT_SECURITY},
        "PASSWORD_HASHERS": ["django.contrib.auth.hashers.Argon2PasswordHasher"],
        "AUTH_PASSWORD_VALIDATORS": [
            {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
            {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
            {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        ],
    }


def _accounts() -> dict[str, Any]:
    return {
        "AUTHENTICATION_BACKENDS": [
            "axes.backends.AxesStandaloneBackend",
            "rules.permissions.ObjectPermissionBackend",
            "django.contrib.auth.backends.ModelBackend",
        ],
        "LOGIN_URL": "account_login",
        "LOGIN_REDIRECT_URL": "today",
        "ACCOUNT_LOGOUT_REDIRECT_URL": "account_login",
        "ACCOUNT_ADAPTER": "counterfoil.web.people.AccountAdapter",
        "ACCOUNT_LOGIN_METHODS": {"username"},
        "ACCOUNT_SIGNUP_FIELDS": ["username*", "password1*", "password2*"],
        "ACCOUNT_EMAIL_VERIFICATION": "none",
        "ACCOUNT_SESSION_REMEMBER": False,
        "ACCOUNT_RATE_LIMITS": {"login_failed": None},  # lock-out is axes' work, for name and address together
        "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
        "MFA_TOTP_ISSUER": "Counterfoil",
        "AXES_FAILURE_LIMIT": FAILURES_MAX,
        "AXES_COOLOFF_TIME": LOCKED_FOR,
        "AXES_LOCKOUT_PARAMETERS": [["username", "ip_address"]],
        "AXES_LOCKOUT_CALLABLE": "counterfoil.web.errors.locked_out",
        "AXES_RESET_ON_SUCCESS": True,
        "AXES_VERBOSE": False,
        "SILENCED_SYSTEM_CHECKS": ["axes.W003"],
    }
