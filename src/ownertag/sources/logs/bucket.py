"""Log files in an S3 bucket: listed by folders, so that what is not wanted is not even listed, and fetched.

Sources: S3 API reference, ListObjectsV2 (a thousand keys a page in the order of their bytes, StartAfter, delimiter) and
GetObject (InvalidObjectState of what is archived).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any, TypeVar

from botocore.config import Config
from botocore.exceptions import ClientError

from ownertag.aws.credential_errors import CredentialsError, credentials_error, is_of_credentials
from ownertag.aws.credentials import CallerSession, open_session
from ownertag.aws.errors import AWS_ERRORS, failure_of
from ownertag.sources.logs.faults import Fault, FaultKind, ScanStopped, Unreadable
from ownertag.sources.logs.keys import LogObject, Selection, folder_of, named, region_folder
from ownertag.sources.logs.places import Bucket, Chunks, Listed, Spooled

T = TypeVar("T")

#: What is fetched into memory; more goes to a temporary file first, since a damaged one is read twice.
IN_MEMORY = 1 << 23
#: Folders within folders: CloudTrail's lie eight deep below their prefix.
MOST_DEEP = 24
#: Connections of one process; as many downloads are under way at once.
CONNECTIONS = 8
_SESSION_NAME = "ownertag-logs"

_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_RESTORE = "restore it (s3 restore-object), and scan again"
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "Forbidden", "403"})
_THROTTLED = frozenset(
    {"SlowDown", "503 SlowDown", "ServiceUnavailable", "RequestLimitExceeded", "Throttling", "ThrottlingException",
     "TooManyRequestsException", "RequestThrottled", "503", "InternalError", "500"}
)  # fmt: skip
#: A connection that ended within an answer: botocore tries a call again, and not the rest of what it answers.
_CUT = frozenset({"ReadTimeoutError", "ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError"})
TRIES = 3
_NO_BUCKET = "NoSuchBucket"
_GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


def s3_config() -> Config:
    """Waits longer the more S3 refuses (botocore's adaptive mode), as it asks by SlowDown."""
    return Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "adaptive", "total_max_attempts": 8},
        max_pool_connections=CONNECTIONS,
        user_agent_extra="ownertag",
    )


def session_of(place: Bucket) -> CallerSession:
    """The session that the place says; its provider renews what expires.

    Raises:
        ScanStopped: There are no credentials, or the role can't be assumed.
    """
    try:
        session = open_session(place.profile, place.region, place.endpoint_url, f"who may read {place}")
        if place.role is None:
            return session
        with session.explained(f"who may assume {place.role}"):
            return session.as_role(place.role, _SESSION_NAME, session.client("sts", config=s3_config()))
    except CredentialsError as error:
        raise ScanStopped(str(error), "then scan again") from error


def asks_somebody(place: Bucket) -> bool:
    """Whether the profile asks for a code of MFA: once is enough, so that no other process may make a session of it.

    Raises:
        ScanStopped: The profile can't be read.
    """
    try:
        session = open_session(place.profile, place.region, place.endpoint_url)
    except CredentialsError as error:
        raise ScanStopped(str(error), "then scan again") from error
    name, seen = session.profile or "default", set[str]()
    while name and name not in seen:
        seen.add(name)
        profile = session.profiles.get(name, {})
        if "mfa_serial" in profile:
            return True
        name = str(profile.get("source_profile") or "")
    return False


class BucketSource:
    """Lists objects below a prefix, and fetches them. Threads may fetch at once.

    Args:
        place: Which bucket.
        session: Makes the session; called again where credentials have expired that no provider renewed, since they
            may have been replaced meanwhile.
        config: Of the client.
    """

    def __init__(
        self,
        place: Bucket,
        session: Callable[[Bucket], CallerSession] = session_of,
        config: Config | None = None,
    ) -> None:
        self._place = place
        self._session = session
        self._config = config or s3_config()
        self._made: Any = None
        self._making = Lock()

    def objects(self, selection: Selection, listed: Listed) -> Iterator[LogObject]:
        """The objects to be read."""
        yield from self._below(self._place.prefix, 0, selection, listed)

    def _below(self, prefix: str, depth: int, selection: Selection, listed: Listed) -> Iterator[LogObject]:
        """What is in a folder, and in those below it that are wanted."""
        flat = region_folder(prefix) or depth >= MOST_DEEP
        start = f"{prefix}{selection.since:%Y/%m/%d}" if flat and region_folder(prefix) and selection.since else ""
        for page in self._pages(prefix, "" if flat else "/", start, listed):
            for item in page.get("Contents", ()):
                key = str(item["Key"])
                if key.endswith("/"):
                    continue  # what consoles make to show a folder
                if flat and _is_after(key, selection):
                    return  # keys are in the order of their days
                judged = listed.judge(key, int(item["Size"]), selection)
                if judged and item.get("StorageClass") in _ARCHIVED:
                    listed.faults.append(_archived().fault(self._place.where(key), judged.account))
                elif judged:
                    yield judged
            for folder in page.get("CommonPrefixes", ()):
                below = str(folder["Prefix"])
                says = folder_of(below)
                if says is None or listed.enters(says, selection):
                    yield from self._below(below, depth + 1, selection, listed)

    def _pages(self, prefix: str, delimiter: str, start: str, listed: Listed) -> Iterator[dict[str, Any]]:
        wanted: dict[str, Any] = {"Bucket": self._place.name, "Prefix": prefix}
        wanted |= {"Delimiter": delimiter} if delimiter else {}
        wanted |= {"StartAfter": start} if start else {}
        while True:
            try:
                page: dict[str, Any] = self._call(lambda client: client.list_objects_v2(**wanted))
            except Unreadable as unreadable:
                says = folder_of(prefix)
                account = says.account if says else None
                listed.faults.append(self._unlisted(unreadable, prefix, account))
                return
            yield page
            if not page.get("IsTruncated"):
                return
            wanted["ContinuationToken"] = page["NextContinuationToken"]

    def _unlisted(self, unreadable: Unreadable, prefix: str, account: str | None) -> Fault:
        of = f" of account {account}" if account else ""
        do = unreadable.do if unreadable.kind is not FaultKind.DENIED else (
            f"allow s3:ListBucket for {self._place.where(prefix)}: what it holds{of} is not known"
        )  # fmt: skip
        return Fault(self._place.where(prefix), unreadable.kind, f"can't be listed: {unreadable.what}", do, account)

    def chunks(self, found: LogObject) -> Chunks:
        """The bytes of an object, fetched before this returns."""
        if found.size <= IN_MEMORY:
            data: bytes = self._call(lambda client: self._body(client, found).read())
            return lambda: (data,)
        return self._call(lambda client: _on_disk(self._body(client, found)))

    def close(self) -> None:
        """Closes the connections."""
        if self._made is not None:
            self._made.close()

    def _body(self, client: Any, found: LogObject) -> Any:
        return client.get_object(Bucket=self._place.name, Key=found.key)["Body"]

    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                session = self._session(self._place)
                try:
                    self._made = session.client("s3", config=self._config)
                except AWS_ERRORS as error:
                    raise self._stopped(error) from error
            return self._made

    def _call(self, use: Callable[[Any], T]) -> T:
        tries = TRIES
        while True:
            client = self._client()
            tries -= 1
            try:
                return use(client)
            except AWS_ERRORS as error:
                code = failure_of(error).code
                if code in _EXPIRED and tries:
                    with self._making:
                        self._made = None if self._made is client else self._made
                elif code not in _CUT and (code == _NO_BUCKET or is_of_credentials(error)):
                    raise self._stopped(error) from error
                elif code not in _CUT or not tries:
                    raise _unreadable(error) from error

    def _stopped(self, error: Exception) -> ScanStopped:
        if failure_of(error).code == _NO_BUCKET:
            return ScanStopped(f"there is no bucket {self._place.name}", "look how it is called")
        told = credentials_error(error, self._place.profile, self._place.region, f"who may read {self._place}")
        return ScanStopped(str(told), "what was read before is kept: scan again to go on")


def _is_after(key: str, selection: Selection) -> bool:
    """Whether an object, and the folder in which it lies, are of a day behind the last one that is wanted."""
    day = named(key).day
    if day is None or day <= selection.last_day:
        return False
    folder = folder_of(key.rpartition("/")[0])
    return folder is not None and folder.day is not None and folder.day > selection.last_day


def _on_disk(body: Any) -> Spooled:
    """An object that is too large to be held."""
    try:
        file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - whoever reads it closes it
    except OSError as error:
        raise _disk_problem(error) from error
    try:
        for chunk in body.iter_chunks(Spooled.CHUNK):
            file.write(chunk)
        file.flush()
    except OSError as error:
        file.close()
        raise _disk_problem(error) from error
    except BaseException:
        file.close()
        raise
    return Spooled(file)


def _disk_problem(error: OSError) -> ScanStopped:
    """What is wrong where large objects are put."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ScanStopped(
            "the disk is full where large objects are put for a while",
            "make room, or name another folder by TMPDIR, and scan again: what was read before is kept",
        )
    return ScanStopped(f"a temporary file can't be written ({error.strerror})", "name another folder by TMPDIR")


def _archived() -> Unreadable:
    return Unreadable(FaultKind.ARCHIVED, "is archived, and can't be read as it is", _RESTORE)


def _unreadable(error: Exception) -> Unreadable:
    code = failure_of(error).code
    said = str(error.response.get("Error", {}).get("Message") or "") if isinstance(error, ClientError) else ""
    if code in _GONE:
        return Unreadable(
            FaultKind.GONE, "was there when it was listed, and is gone", "scan again if it should be there"
        )
    if code == "InvalidObjectState":
        return _archived()
    if code.startswith("KMS") or (code in _DENIED and "kms" in said.lower()):
        return Unreadable(
            FaultKind.DENIED,
            f"its key refuses ({code})",
            "allow kms:Decrypt with the key that encrypts the trail's files, and see that the key is enabled",
        )
    if code in _DENIED:
        return Unreadable(FaultKind.DENIED, f"access is denied ({code})", "allow s3:GetObject for these objects")
    if code in _THROTTLED:
        return Unreadable(
            FaultKind.THROTTLED, f"S3 refused it again and again ({code})", "scan again when less is asked"
        )
    return Unreadable(FaultKind.FAILED, f"S3 answered {code}", "scan again; if it stays so, look at the object")
