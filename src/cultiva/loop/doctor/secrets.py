"""Secrets, doors and providers: everything that is named is there, is nowhere in version control, and is strict."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cultiva.execution.channels.secrets import revealed
from cultiva.execution.channels.service import open_provider
from cultiva.execution.content.links import KEY_VARIABLE, LinkKeys
from cultiva.kit.errors import CultivaError
from cultiva.kit.words import Words
from cultiva.loop.doctor.findings import Case, Finding, fault, fine
from cultiva.loop.erasing.keys import OWN_FILE

NAMED = re.compile(r"\$\{(env|file):([^}]+)\}")
PASSWORD = re.compile(r"://[^/@:\s\"']+:(?!\$\{)[^@\s\"']+@")
"""A password that stands in an address."""
STRICT_ROLES = frozenset({"operator", "approver", "administrator"})
"""Who may send, approve or let people in: their word alone is not enough."""
PLAIN = ("http://", "redis://", "nats://")
"""Protocols that everybody on the way reads."""
GIT_SECONDS = 20


def secrets(case: Case) -> Iterator[Finding]:
    """Every secret that a file of the workspace names is there; none stands in one."""
    files = [*sorted(case.root.glob("*.toml")), *sorted(case.root.glob("*.yaml"))]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    named = {found.groups() for text in texts.values() for found in NAMED.finditer(_without_comments(text))}
    missing = sorted(name for where, name in named if not _there(case, where, name))
    if missing:
        do = Words(zh="设置环境变量或放置文件", en="set the variable, or put the file there")
        yield case.strict("secrets.there", ", ".join(missing), do)
    else:
        yield fine("secrets.there", f"{len(named)} named")
    written = [path.name for path, text in texts.items() if PASSWORD.search(_without_comments(text))]
    if written:
        do_ = "改用 ${env:NAME}", "name it: ${env:NAME}"
        yield fault("secrets.written", f"a password stands in {', '.join(written)}", *do_)
    else:
        yield fine("secrets.written", "none")
    yield from _kept_apart(case, [case.root / name for where, name in named if where == "file"])


def doors(case: Case) -> Iterator[Finding]:
    """The console lets nobody in easily."""
    console = case.workspace.settings.console
    if console.cookie_secure:
        yield fine("console.cookie_secure", "true")
    else:
        do = Words(zh="[console] cookie_secure = true，并经 TLS 提供服务", en="[console] cookie_secure = true, and TLS")
        yield case.strict("console.cookie_secure", "false", do)
    lacking = sorted(STRICT_ROLES - set(console.require_second_factor_for))
    if lacking:
        do = Words(zh="在 require_second_factor_for 中加入这些角色", en="add them to require_second_factor_for")
        yield case.strict("console.second_factor", f"not asked of {', '.join(lacking)}", do)
    else:
        yield fine("console.second_factor", ", ".join(console.require_second_factor_for))
    if console.second_factor_key:
        yield fine("console.key", console.second_factor_key)
    else:
        do = Words(zh="设置 [console] second_factor_key", en="set [console] second_factor_key = '${env:...}'")
        yield case.strict("console.key", "none: every copy and restart would have another", do)


def links(case: Case) -> Iterator[Finding]:
    """Links in messages lead to us and can be signed."""
    where = case.workspace.sender.links
    if where.startswith("https://") and not where.endswith(".invalid"):
        yield fine("links.address", where)
    else:
        do = Words(zh="在 sender.yaml 设置 links", en="set links in sender.yaml: the public address of this API")
        yield case.strict("links.address", where or "none", do)
    try:
        LinkKeys.of_text(case.environment.get(KEY_VARIABLE, ""))
    except CultivaError as error:
        do = Words(zh=f"设置 {KEY_VARIABLE}", en=f"set {KEY_VARIABLE}=name:secret")
        yield case.strict("links.key", str(error.seen), do)
    else:
        yield fine("links.key", KEY_VARIABLE)


def providers(case: Case) -> Iterator[Finding]:
    """Every provider can be opened, and nobody reads along; nothing is sent."""
    found = case.workspace.providers
    if not found:
        yield fine("providers", "none")
    for name, settings in sorted(found.items()):
        url = revealed(settings.url, root=case.root, environment=case.environment)
        if url.startswith(PLAIN) and "127.0.0.1" not in url and "localhost" not in url:
            do = Words(zh="使用 TLS 地址", en="use an address with TLS")
            yield case.strict(f"providers.{name}", f"{url.partition('://')[0]} without TLS", do)
            continue
        provider = open_provider(settings, root=case.root)
        provider.close()
        yield fine(f"providers.{name}", settings.kind)


def _there(case: Case, where: str, name: str) -> bool:
    return name in case.environment if where == "env" else (case.root / name).is_file()


def _kept_apart(case: Case, files: list[Path]) -> Iterator[Finding]:
    """Files with secrets are in no version control, and only this account reads them."""
    there = [one for one in (*files, case.root / OWN_FILE) if one.is_file()]
    tracked = [one.name for one in there if _tracked(one)]
    if tracked:
        do = "从版本库移除并更换密钥", "take them out of version control, and change the secrets: they are known"
        yield fault("secrets.git", ", ".join(tracked), *do)
    else:
        yield fine("secrets.git", f"{len(there)} files, none under git")
    readable = [one.name for one in there if one.stat().st_mode & 0o077]
    if readable:
        yield fault("secrets.rights", ", ".join(readable), "chmod 600", "chmod 600: others may read them")


def _tracked(path: Path) -> bool:
    """Whether git has a file; where there is no git it has none."""
    git = shutil.which("git")
    if git is None:
        return False
    asked = [git, "-C", str(path.parent), "ls-files", "--error-unmatch", path.name]
    return subprocess.run(asked, capture_output=True, timeout=GIT_SECONDS, check=False).returncode == 0  # noqa: S603


def _without_comments(text: str) -> str:
    return re.sub(r"(?m)(^|\s)#.*$", "", text)
