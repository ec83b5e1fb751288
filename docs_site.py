"""What MkDocs does not do by itself: pages and links that lead out of docs/ (see mkdocs.yml).

README.md is the first page.  A link to a file of the project leads to a page with that file, so that the
same Markdown is right on the site and in a source tree.  A link to what does not exist is a warning,
and an error in a strict build.
"""

from __future__ import annotations

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parent
DOCS, OUTSIDE = "docs", "project"
LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")

# (A name of __all__ that is computed is none that the reference shows.)
for _name in ("griffe", "mkdocs.plugins.griffe"):
    logging.getLogger(_name).addFilter(
        lambda record: "Unsupported item in" not in record.getMessage()
    )

log = logging.getLogger("mkdocs.plugins.docs_site")


def origin(uri: str) -> str:
    """Where a page comes from, in the project."""
    if uri == "index.md":
        return "README.md"
    if not uri.startswith(f"{OUTSIDE}/"):
        return f"{DOCS}/{uri}"
    path = uri.removeprefix(f"{OUTSIDE}/")
    return path if (ROOT / path).is_file() else path.removesuffix(".md")


def place(path: str) -> str:
    """Where a file of the project is on the site."""
    if path == "README.md":
        return "index.md"
    if path.startswith(f"{DOCS}/"):
        return path.removeprefix(f"{DOCS}/")
    return f"{OUTSIDE}/{path}" if path.endswith(".md") else f"{OUTSIDE}/{path}.md"


def targets(path: str, text: str) -> set[str]:
    """The files of the project that a page links to."""
    folder = posixpath.dirname(path)
    return {posixpath.normpath(posixpath.join(folder, match[1])) for match in LINK.finditer(text)}


def shown(path: str) -> str:
    """A file of the project as a page."""
    file = ROOT / path
    if file.is_dir():
        names = sorted(each.name for each in file.iterdir() if each.suffix == ".py")
        return f"# {path}\n\n" + "\n".join(f"- [{name}]({path}/{name})" for name in names)
    text = file.read_text()
    if path.endswith(".md"):
        return text
    language = {".py": "python"}.get(file.suffix, "text")
    return f"# {path}\n\n````{language}\n{text}````\n"


def on_config(config: Any) -> Any:
    """Put pages that the navigation does not name behind the others."""
    named = re.findall(r"'([\w/-]+\.md)'", str(config.nav))
    found = sorted(page.relative_to(ROOT / DOCS).as_posix() for page in (ROOT / DOCS).rglob("*.md"))
    config.nav += [page for page in found if page not in named]
    if (ROOT / "DESIGN.md").is_file():
        config.nav += [{"How it is built": f"{OUTSIDE}/DESIGN.md"}]
    config.nav += [{"Changes": f"{OUTSIDE}/CHANGES.md"}]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the first page, and what is linked outside docs/."""
    left = {"README.md", "DESIGN.md", "CHANGES.md"}
    for page in (ROOT / DOCS).rglob("*.md"):
        left |= targets(page.relative_to(ROOT).as_posix(), page.read_text())
    done: set[str] = set()
    while left:
        path = left.pop()
        done.add(path)
        if path.startswith((f"{DOCS}/", "..")) or not (ROOT / path).exists():
            continue
        text = shown(path)
        files.append(File.generated(config, place(path), content=text))
        if path.endswith(".md"):
            left |= targets(path, text) - done
        elif (ROOT / path).is_dir():
            left |= {f"{path}/{each.name}" for each in (ROOT / path).glob("*.py")} - done
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files into links between pages."""
    uri = page.file.src_uri
    path = origin(uri)
    folder = posixpath.dirname(path)

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        if (ROOT / path).is_dir():
            target = match[1]
        if not (ROOT / target).exists():
            log.warning("%s links to %s, which does not exist", path, match[1])
        there = posixpath.relpath(place(target), posixpath.dirname(uri) or ".")
        return there + (match[2] or "")

    return LINK.sub(link, markdown)
