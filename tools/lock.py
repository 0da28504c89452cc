"""Print what is installed as a constraints file: exact versions, each with a marker where not every platform has a wheel of it.

Run in the environment to be locked, as ``make lock`` does. Asks the package index that pip asks, for the packages with compiled parts only.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import distribution

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {  # a marker, and what the platform tag of a wheel looks like
    "sys_platform == 'linux' and platform_machine == 'x86_64'": r"(many|musl)linux.*_x86_64|linux_x86_64",
    "sys_platform == 'linux' and platform_machine == 'aarch64'": r"(many|musl)linux.*_aarch64",
    "sys_platform == 'darwin' and platform_machine == 'arm64'": r"macosx_.*_(arm64|universal2)",
    "sys_platform == 'darwin' and platform_machine == 'x86_64'": r"macosx_.*_(x86_64|universal2|intel)",
    "sys_platform == 'win32'": r"win_amd64",
}


def fits(tag: str, python: str, platform: str) -> bool:
    """Whether a wheel's tag, such as ``cp312-cp312-win_amd64``, is for this Python and this platform."""
    interpreter, abi, system = tag.split("-")
    if system != "any" and not any(re.fullmatch(PLATFORMS[platform], part) for part in system.split(".")):
        return False
    minor = int(python.split(".")[1])
    for part in interpreter.split("."):
        if part in ("py3", f"py3{minor}", "py2.py3"):
            return True
        found = re.fullmatch(r"cp3(\d+)", part)
        if found and (int(found[1]) == minor and not abi.endswith("t") or int(found[1]) <= minor and abi == "abi3"):
            return True
    return False


def marker(tags: list[str]) -> str:
    """The environments, out of Python versions and platforms, that one of the wheels fits; empty if all do."""
    supported = {platform: [python for python in PYTHONS if any(fits(tag, python, platform) for tag in tags)] for platform in PLATFORMS}
    if all(len(pythons) == len(PYTHONS) for pythons in supported.values()):
        return ""
    parts = []
    for platform, pythons in supported.items():
        if len(pythons) == len(PYTHONS):
            parts.append(f"({platform})")
        elif pythons:
            parts.append(f"({platform} and ({' or '.join(f'python_version == {python!r}' for python in pythons)}))")
    return " or ".join(parts)


def wheels(name: str, number: str) -> list[str]:
    """Tags of all wheels of a version that the index has."""
    from pip._internal.models.index import PyPI  # the only place that knows the address

    request = urllib.request.Request(f"{PyPI.simple_url}/{name}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        files = [entry["filename"] for entry in json.load(answer)["files"]]
    tags = []
    for file in files:
        parts = file.removesuffix(".whl").split("-")
        if file.endswith(".whl") and parts[1].split("+")[0] == number:
            tags.append("-".join(parts[-3:]))
    return tags


def line(requirement: str) -> str:
    """A line of the lock file for ``name==version``."""
    name, _, number = requirement.partition("==")
    number = number.split("+")[0]
    metadata = distribution(name).read_text("WHEEL") or ""
    pure = "Root-Is-Purelib: true" in metadata and "-none-any" in metadata
    found = "" if pure else marker(wheels(re.sub(r"[-_.]+", "-", name).lower(), number))
    return f"{name}=={number}" + (f" ; {found}" if found else "")


if __name__ == "__main__":
    print("# Exact versions of everything that core, book, test, all and dev install: constraints, written by 'make lock'.")
    print("# A marker names the platforms that have a wheel of that version; elsewhere pip chooses one.")
    freeze = [sys.executable, "-m", "pip", "freeze", "--all", "--exclude-editable"]
    frozen = subprocess.run(freeze, capture_output=True, text=True, check=True)
    for requirement in frozen.stdout.splitlines():
        if not re.match(r"(pip|tokrec)\b", requirement):
            print(line(requirement), flush=True)
