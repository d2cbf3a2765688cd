"""What is wrong with an operator's credentials: the same words for every command, with what to do."""

from __future__ import annotations

from msgspec import Struct

from ownertag.aws.errors import failure_of


class CredentialsError(Exception):
    """The caller's credentials can't be used; the text says whose, why, and what to do.

    `typed`: what was typed or configured is wrong, and AWS was not asked.
    """

    def __init__(self, message: str, *, typed: bool = False) -> None:
        super().__init__(message)
        self.typed = typed


class _Cause(Struct, frozen=True):
    """Error codes of AWS or exceptions of botocore, what they mean, and what to do.

    In the texts `{login}` stands for `aws sso login` with the profile, and `{error}` for what botocore says.
    """

    codes: frozenset[str]
    means: str
    do: str
    typed: bool = False


#: From the service models and the botocore exceptions; those of expired credentials as seen (STS, EC2, others).
_CAUSES = (
    _Cause(
        frozenset({"ProfileNotFound"}),
        "there is no such profile",
        "`aws configure list-profiles` lists those that there are",
        typed=True,
    ),
    _Cause(
        frozenset({"NoCredentialsError"}),
        "no credentials were found",
        "log in with `{login}`, or name another profile with --profile",
    ),
    _Cause(
        frozenset({"PartialCredentialsError", "InvalidConfigError", "InfiniteLoopConfigError", "ConfigParseError"}),
        "{error}",
        "mend it in the AWS config and credentials files, or name another profile with --profile",
        typed=True,
    ),
    _Cause(
        frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}),
        "the credentials have expired",
        "log in again, for example with `{login}`, and repeat the command",
    ),
    _Cause(
        frozenset({"SSOTokenLoadError", "UnauthorizedSSOTokenError", "TokenRetrievalError", "UnauthorizedException"}),
        "the SSO session has expired, or never began",
        "`{login}`, and repeat the command",
    ),
    _Cause(
        frozenset({"LoginRefreshRequired", "LoginTokenLoadError", "LoginAuthorizationCodeError"}),
        "the login session has expired, or never began",
        "`aws login`, and repeat the command",
    ),
    _Cause(
        frozenset({"CredentialRetrievalError"}),
        "{error}",
        "mend what the profile gets them from, or name another profile with --profile",
    ),
    _Cause(
        frozenset({"NoRegionError"}),
        "no Region is named",
        "write --region, or set one in the profile or in AWS_REGION",
        typed=True,
    ),
    _Cause(frozenset({"InvalidRegionError", "UnknownRegionError"}), "{error}", "write it as eu-central-1", typed=True),
    _Cause(
        frozenset({"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"}),
        "AWS does not know the access key",
        "it was deleted, or is of another partition: log in again, or name another profile with --profile",
    ),
    _Cause(
        frozenset({"SignatureDoesNotMatch", "InvalidSignatureException", "RequestTimeTooSkewed"}),
        "AWS refuses the signature",
        "the secret key is wrong, or this machine's clock is",
    ),
    _Cause(
        frozenset({"AccessDenied", "AccessDeniedException"}),
        "{error}",
        "may these credentials assume the profile's role? Log in again, or name another profile with --profile",
    ),
    _Cause(
        frozenset(
            {
                *("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"),
                *("ProxyConnectionError", "SSLError", "ConnectionError", "HTTPClientError"),
            }
        ),
        "{error}",
        "can AWS's endpoint be reached from here? Look at the network, the proxy and --endpoint-url",
    ),
)
_OTHER = _Cause(frozenset(), "{error}", "log in again, or name another profile with --profile")
#: What is no fault of the credentials where it is said of a call that a command makes for its work.
_OF_THE_CALL = frozenset({"AccessDenied", "AccessDeniedException"})


def credentials_error(error: Exception, profile: str | None, region: str | None, needed: str = "") -> CredentialsError:
    """The error in words.

    Args:
        error: What botocore raised.
        profile: The profile that the credentials come from; None for the default credentials.
        region: The Region of the session.
        needed: Whose credentials are needed, such as "the hub's account 222222222222".
    """
    code = failure_of(error).code
    cause = next((one for one in _CAUSES if code in one.codes), _OTHER)
    login = f"aws sso login --profile {profile}" if profile else "aws sso login"
    means, do = (text.format(login=login, error=_plain(error)) for text in (cause.means, cause.do))
    of = f" Needed are credentials of {needed}" if needed else ""
    text = f"{name_of(profile, region)}: can't be used ({code}): {means}: {do}.{of}"
    return CredentialsError(text.removesuffix("."), typed=cause.typed)


def is_of_credentials(error: Exception) -> bool:
    """Whether a command's call failed for its credentials or the way to AWS, and not for what it asked."""
    code = failure_of(error).code
    return code not in _OF_THE_CALL and any(code in cause.codes for cause in _CAUSES)


def name_of(profile: str | None, region: str | None = None) -> str:
    """Whose credentials these are: the profile, and the Region where there is one."""
    name = f"profile {profile}" if profile else "the default credentials"
    return f"{name}, Region {region}" if region else name


def _plain(error: Exception) -> str:
    """What the error says, without a dot at the end, and without braces that would be fields."""
    return str(error).strip().rstrip(".")
