"""What a supplier's desk says of its profile: what a buyer cannot read yet, and what it is looked for by."""

from __future__ import annotations

from collections.abc import Sequence

from market import policy
from market.reads import rows
from market.suppliers.tables import Profile
from market.web.desk import Fitting
from market.wording import N_, _

ASKED = (
    ("summary", N_("Add one sentence that says what you do.")),
    ("description", N_("Add a description of your work.")),
    ("capabilities", N_("Add what you can do, in a few words each.")),
    ("cpv", N_("Add the codes of what you sell, so that we can tell you what fits.")),
    ("regions", N_("Add where you work.")),
)
"""What buyers read in a profile, and what is said while it is missing."""


async def lacks(firm: int) -> list[str]:
    """What a buyer cannot read yet in the profile of this firm (its id), in words."""
    profile = await Profile.objects().where(Profile.organisation == firm).first()
    if profile is None:
        return [_("There is no profile yet. Tell us once what you do; applying never asks for it again.")]
    return [_(words) for name, words in ASKED if not getattr(profile, name)]


async def fitting(firms: Sequence[int]) -> Fitting:
    """What these firms are looked for by: the codes of their profiles in the leading digits the gate uses, their regions."""
    profiles = await Profile.objects().where(Profile.organisation.is_in(list(firms)))
    homes = await rows(str, "SELECT region FROM organisation WHERE id = ANY({}::int[])", list(firms))
    heads = {f"{code[: policy.IN_FORCE.gate.overlap_digits]}%" for profile in profiles for code in profile.cpv}
    places = {place for profile in profiles for place in profile.regions} | set(homes)
    return Fitting(list(firms), sorted(heads), sorted(places - {""}))


async def counts() -> dict[str, int]:
    """What the operator's desk says of suppliers."""
    (suppliers,) = await rows(int, "SELECT count(*) FROM organisation WHERE kind = 'supplier'")
    return {"suppliers": suppliers}
