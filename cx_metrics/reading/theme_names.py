"""What people did to themes, as a text they can read and change."""

from __future__ import annotations

from collections.abc import Iterable

from cx_metrics.comments.theme_edits import ThemeEdit
from cx_metrics.errors import MappingProblem
from cx_metrics.reading.yaml_text import dump, load
from cx_metrics.texts import N_

FORM = 1  # of the text; a later one may have more settings


def theme_edits_to_yaml(edits: Iterable[ThemeEdit]) -> str:
    """The edits as a text; `theme_edits_from_yaml` reads it back."""
    return dump({"touchline_themes": FORM, "themes": [edit.to_dict() for edit in edits]})


def theme_edits_from_yaml(text: str) -> tuple[ThemeEdit, ...]:
    """The reverse of `theme_edits_to_yaml`, also for texts that a person wrote.

    Raises:
        MappingProblem: it is no such text, with the line where it is known.
        OptionProblem: a setting of a theme that does not exist, is missing, or is of another kind.
    """
    found = load(text)
    if not isinstance(found, dict) or "touchline_themes" not in found:
        raise MappingProblem(
            N_('These are no themes of Touchline. They begin with "touchline_themes: {form}".'), form=FORM
        )
    form = found["touchline_themes"]
    if not isinstance(form, int) or not 1 <= form <= FORM:
        raise MappingProblem(
            N_("These themes have the form {found}; this version reads forms up to {form}."), found=str(form), form=FORM
        )
    themes = found.get("themes") or []
    if not isinstance(themes, list):
        raise MappingProblem(N_('"{name}" must be a list.'), name="themes")
    return tuple(ThemeEdit.from_dict(theme) for theme in themes)
