"""Loading a workspace: every file is read, every fault of every file is found, then there is a typed workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cultiva.definitions.approval import Approval
from cultiva.definitions.arbitration import Arbitration
from cultiva.definitions.base import Definition, Model
from cultiva.definitions.calendar import BankCalendar
from cultiva.definitions.check import check_draft
from cultiva.definitions.document import Document, Loc, read_document
from cultiva.definitions.draft import Draft, Origin, Readings
from cultiva.definitions.empty import NO_LIFECYCLE, NO_POLICY, NO_VALUE, NOBODY
from cultiva.definitions.files import FILE_KINDS, SETTINGS_FILE, FileKind, stray_files, workspace_files
from cultiva.definitions.map import StrategyMap
from cultiva.definitions.models import Models
from cultiva.definitions.placements import Placements
from cultiva.definitions.products import Fairness
from cultiva.definitions.registry import definition_bodies, definition_hashes
from cultiva.definitions.review import Review
from cultiva.definitions.sender import Sender
from cultiva.definitions.settings import Variables, fill_sources, read_settings, used_variables
from cultiva.definitions.sources import Identity, Input, SourceFile
from cultiva.definitions.sources import Mapping as TableMapping
from cultiva.definitions.toml import read_toml
from cultiva.definitions.validation import shown, validate
from cultiva.definitions.variants import expanded
from cultiva.definitions.workspace import Settings, Workspace
from cultiva.kit.errors import CultivaError, ErrorKind, Fault, Faults, did_you_mean

NO_OVERRIDES: Mapping[str, str] = {}
NO_PROPOSALS: Mapping[Path, bytes] = {}


def load_workspace(
    root: Path, *, overrides: Mapping[str, str] = NO_OVERRIDES, typed_in: Path | None = None
) -> Workspace:
    """Reads and checks a workspace.

    Args:
        root: Its folder.
        overrides: From `--set name=value`: variables of `[vars]`, or settings such as `engine.name`.
        typed_in: Where the command was typed; paths in overrides start there. None: the working folder.

    Returns:
        The workspace; what is only a warning does not stop it.

    Raises:
        Faults: with every fault of every file.
        CultivaError: if the folder is no workspace.
    """
    draft = read_draft(root, overrides=overrides, typed_in=typed_in or Path.cwd())
    faults = sorted({*draft.readings.faults, *check_draft(draft, warnings=False)})
    if any(not fault.warning for fault in faults):
        raise Faults([fault for fault in faults if not fault.warning], what=f"workspace {root}")
    return expanded(draft.workspace)


def check_workspace(
    root: Path,
    *,
    overrides: Mapping[str, str] = NO_OVERRIDES,
    typed_in: Path | None = None,
    proposed: Mapping[Path, bytes] = NO_PROPOSALS,
) -> tuple[Workspace | None, list[Fault]]:
    """Reads and checks a workspace, and says everything that is wrong or doubtful about it.

    Args:
        root: Its folder.
        overrides: As for `load_workspace`.
        typed_in: As for `load_workspace`.
        proposed: Files below `root` read as if they held these bytes, whether they are there or not.

    Returns:
        The workspace, None if it has faults; and faults and warnings, sorted by file and line.

    Raises:
        CultivaError: if the folder is no workspace.
    """
    draft = read_draft(root, overrides=overrides, typed_in=typed_in or Path.cwd(), proposed=proposed)
    faults = sorted({*draft.readings.faults, *check_draft(draft)})
    whole = all(fault.warning for fault in faults)
    return expanded(draft.workspace) if whole else None, faults


def read_draft(
    root: Path, *, overrides: Mapping[str, str], typed_in: Path, proposed: Mapping[Path, bytes] = NO_PROPOSALS
) -> Draft:
    """Reads every file of a workspace as far as it can be read; see `check_workspace`."""
    require_workspace(root)
    return _Reader(root, proposed).read(overrides, typed_in)


def require_workspace(root: Path) -> None:
    """Refuses a folder that is no workspace.

    Raises:
        CultivaError: if there is no `cultiva.toml` in it.
    """
    if not (root / SETTINGS_FILE).is_file():
        raise CultivaError(
            "this folder is no workspace",
            code="definitions.no_workspace",
            kind=ErrorKind.NOT_FOUND,
            seen=root,
            allowed=f"a folder with a file {SETTINGS_FILE}",
            hint="make one: cultiva init FOLDER --pack retail-bank",
        )


class _Reader:
    """Reads the files of one workspace one after the other."""

    def __init__(self, root: Path, proposed: Mapping[Path, bytes]) -> None:
        self.root = root
        self.proposed = proposed
        self.prefix = f"{root.as_posix()}/"
        self.readings = Readings()
        self.lists: dict[str, dict[str, Any]] = {kind.kind: {} for kind in FILE_KINDS}
        self.singles: dict[str, Model] = {}
        self.inputs: list[Input] = []
        self.tables: list[TableMapping] = []
        self.set_by_file: set[str] = set()

    def read(self, overrides: Mapping[str, str], typed_in: Path) -> Draft:
        """All files of the workspace, with every fault that they have.

        Args:
            overrides: Settings and variables typed with `--set`.
            typed_in: Folder from which relative paths among them count.
        """
        settings, variables = self._settings(overrides, typed_in)
        seen = set()
        for kind, path in workspace_files(self.root, self.proposed):
            seen.add(kind.kind)
            self._file(kind, path)
        for kind in FILE_KINDS:
            if kind.required and kind.kind not in seen:
                self._missing(kind)
        self.readings.faults += stray_files(self.root, self.prefix)
        workspace = self._workspace(settings, variables)
        self._unknown_overrides(variables)
        return Draft(workspace, self.readings)

    def _unknown_overrides(self, variables: Variables) -> None:
        """A `--set` of a variable that nothing names is a typing error."""
        written = SourceFile(inputs=tuple(self.inputs), tables=tuple(self.tables))
        known = {use.variable for use in used_variables(written)} | self.set_by_file
        for name in sorted(variables.typed - known):
            place, message = f"{self.prefix}{SETTINGS_FILE}", f"--set {name}: no source uses ${{{name}}}"
            allowed, hint = ", ".join(sorted(known)) or "no variables are used", did_you_mean(name, known)
            fault = Fault(place, 0, 0, "definitions.unknown_variable", message, name, allowed, hint)
            self.readings.faults.append(fault)

    def _settings(self, overrides: Mapping[str, str], typed_in: Path) -> tuple[Settings, Variables]:
        path = self.root / SETTINGS_FILE
        document, faults = read_toml(f"{self.prefix}{SETTINGS_FILE}", path.read_bytes())
        self.readings.faults += faults
        if document is None:
            self.readings.unreadable.add("settings")
            return Settings(name="workspace"), Variables(overrides, frozenset(overrides), typed_in)
        self.readings.origins["settings", SETTINGS_FILE] = Origin(document)
        by_file = document.data.get("vars")
        self.set_by_file = set(by_file) if isinstance(by_file, dict) else set()
        settings, typed, faults = read_settings(document, overrides)
        self.readings.faults += faults
        if settings is None:
            self.readings.unreadable.add("settings")
        found = settings or Settings(name="workspace", vars=dict(typed))
        return found, Variables(found.vars, frozenset(typed), typed_in)

    def _file(self, kind: FileKind, path: Path) -> None:
        name = f"{self.prefix}{path.relative_to(self.root).as_posix()}"
        document, faults = read_document(name, self.proposed[path] if path in self.proposed else path.read_bytes())
        self.readings.faults += faults
        if document is None:
            self._unreadable(kind)
        elif kind.many:
            self._list(kind, document)
        elif kind.kind == "source":
            self._sources(document)
        else:
            self._single(kind, document)

    def _list(self, kind: FileKind, document: Document) -> None:
        data = [] if document.data is None else document.data
        if not isinstance(data, list):
            seen, allowed = shown(data), f"a list: every {kind.kind} begins with '- name:'"
            message = f"a file of this kind is a list of {kind.kind} definitions"
            self.readings.faults.append(document.fault((), "type", message, seen=seen, allowed=allowed))
            self.readings.note_broken(kind.kind, data)
            return
        for index, entry in enumerate(data):
            found = self._model(kind.model, kind.kind, document, (index,))
            if isinstance(found, Definition):
                self._add(kind.kind, found.name, found, Origin(document, (index,)))
            else:
                self.readings.note_broken(kind.kind, entry)

    def _sources(self, document: Document) -> None:
        """Reads inputs and mappings one by one, so that a fault in one leaves the others whole."""
        data = {} if document.data is None else document.data
        shell, faults = validate(SourceFile, Document(document.file, "", _without_items(data), document.spots))
        self.readings.faults += faults
        if shell is None:
            self.readings.note_broken("source", data)
            return
        for index, entry in enumerate(data.get("inputs") or ()):
            found = self._model(Input, "input", document, ("inputs", index))
            if found is None:
                self.readings.note_broken("input", entry)
            elif self._add("input", found.name, found, Origin(document, ("inputs", index))):
                self.inputs.append(found)
        for index, entry in enumerate(data.get("tables") or ()):
            mapping = self._model(TableMapping, "mapping", document, ("tables", index))
            if mapping is None:
                self.readings.note_broken("mapping", entry)
            elif self._add("mapping", f"{mapping.table}.{mapping.name}", mapping, Origin(document, ("tables", index))):
                self.tables.append(mapping)

    def _single(self, kind: FileKind, document: Document) -> None:
        self.readings.origins[kind.kind, kind.kind] = Origin(document)
        if document.data is None:
            document = Document(document.file, document.text, {}, document.spots)
        found = self._model(kind.model, kind.kind, document, ())
        if found is None:
            self.readings.note_broken(kind.kind, document.data)
        else:
            self.singles[kind.kind] = found

    def _model(self, model: type[Any], kind: str, document: Document, loc: Loc) -> Any:
        found, faults = validate(model, document, loc)
        self.readings.faults += faults
        return found

    def _add(self, kind: str, name: str, found: Model, origin: Origin) -> bool:
        first = self.readings.origins.get((kind, name))
        if first is not None:
            message = f"{kind.replace('_', ' ')} '{name}' is defined twice; the first is at {first.place()}"
            fault = origin.fault(("name",), "duplicate_name", message, seen=name, hint="rename or remove one of them")
            self.readings.faults.append(fault)
            return False
        self.readings.origins[kind, name] = origin
        self.lists.setdefault(kind, {})[name] = found
        return True

    def _unreadable(self, kind: FileKind) -> None:
        self.readings.unreadable |= {kind.kind, *(("input", "mapping") if kind.kind == "source" else ())}

    def _missing(self, kind: FileKind) -> None:
        self._unreadable(kind)
        message = f"the workspace has no {kind.pattern.replace('*', 'NAME')}"
        drafted = kind.pattern.startswith("sources/")
        hint = (
            "write one for your tables: cultiva profile FILE drafts it"
            if drafted
            else "copy it from a starter pack: cultiva init FOLDER --pack retail-bank"
        )
        place = f"{self.prefix}{SETTINGS_FILE}"
        self.readings.faults.append(Fault(place, 0, 0, "definitions.missing_file", message, hint=hint))

    def _workspace(self, settings: Settings, variables: Variables) -> Workspace:
        if not {"lifecycle", "value", "contact_policy"} <= set(self.singles):
            self.readings.broken.add(NOBODY)
        written = SourceFile(inputs=tuple(self.inputs), tables=tuple(self.tables))
        workspace = Workspace(
            root=self.root,
            settings=settings,
            sources=written,
            identity=_one(self.singles, "identity", Identity()),
            events=self.lists["event"],
            tags=self.lists["tag"],
            segments=self.lists["segment"],
            micro_segmentations=self.lists["micro_segmentation"],
            lifecycle=_one(self.singles, "lifecycle", NO_LIFECYCLE),
            value=_one(self.singles, "value", NO_VALUE),
            offers=self.lists["offer"],
            strategies=self.lists["strategy"],
            policy=_one(self.singles, "contact_policy", NO_POLICY),
            review=_one(self.singles, "review", Review()),
            models=_one(self.singles, "models", Models()),
            products=self.lists["product"],
            providers=self.lists["provider"],
            fairness=_one(self.singles, "fairness", Fairness()),
            arbitration=_one(self.singles, "arbitration", Arbitration()),
            placements=_one(self.singles, "placements", Placements()),
            approval=_one(self.singles, "approval", Approval()),
            calendar=_one(self.singles, "calendar", BankCalendar()),
            portfolios=_one(self.singles, "portfolios", None),
            contents=self.lists["content"],
            triggers=self.lists["trigger"],
            sender=_one(self.singles, "sender", Sender()),
            map=_one(self.singles, "map", StrategyMap()),
            workbench=_one(self.singles, "workbench", None),
        )
        bodies = definition_bodies(workspace)
        filled = fill_sources(written, variables)
        return replace(workspace, sources=filled, bodies=bodies, hashes=definition_hashes(bodies))


def _one(singles: Mapping[str, Model], kind: str, empty: Any) -> Any:
    return singles.get(kind, empty)


def _without_items(data: Any) -> Any:
    """A source file's data with empty lists, to find faults of the file itself."""
    lists = {"inputs", "tables"}
    return (
        {key: [] if key in lists and isinstance(value, list) else value for key, value in data.items()}
        if isinstance(data, dict)
        else data
    )
