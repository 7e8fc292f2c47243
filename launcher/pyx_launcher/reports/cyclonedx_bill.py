"""Put a description of materials into the form of CycloneDX 1.6, by its own library.

Runs in a python that has the library, and is never imported by the launcher. Input, on stdin:
what `sbom.py` writes, as JSON. Output, on stdout: the document, with a serial number that is made
of the rest of it. Standard library and CycloneDX alone.
"""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.license import License, LicenseAcknowledgement
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

SERIALS = uuid.UUID("6f2c1c0e-4a53-5d0b-9d5e-8f0f3f3c2a11")
"""The space of names that serial numbers are made in; any other would have done as well."""


def main() -> None:
    """Read the description and print the document."""
    bom = make_bom(json.load(sys.stdin))
    content = JsonV1Dot6(bom).output_as_string(indent=2)
    bom.serial_number = uuid.uuid5(SERIALS, content)
    sys.stdout.write(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


def make_bom(facts: dict[str, Any]) -> Bom:
    """Return the library's form of what `sbom.py` found out."""
    whole = Component(type=ComponentType.APPLICATION, name=facts["name"], bom_ref="application")
    tool = Component(type=ComponentType.APPLICATION, name="pyx-launcher", version=facts["version"])
    bom = Bom(serial_number=uuid.UUID(int=0))
    # The format lets the time be missing; the library only thinks that nobody would want that.
    bom.metadata.timestamp = None  # type: ignore[assignment]
    bom.metadata.component = whole
    bom.metadata.tools = ToolRepository(components=[tool])
    bom.metadata.properties = make_properties(facts)
    components = [make_component(described) for described in facts["components"]]
    bom.components = components
    references = {component.bom_ref.value: component.bom_ref for component in components}
    references[None] = whole.bom_ref
    bom.dependencies = [
        Dependency(references[name], [Dependency(references[other]) for other in others])
        for name, others in facts["dependencies"]
    ]
    return bom


def make_component(facts: dict[str, Any]) -> Component:
    """Return one distribution."""
    name, version, qualifiers = facts["name"], facts["version"], facts["purl"]
    return Component(
        type=ComponentType.LIBRARY,
        name=name,
        version=version,
        bom_ref=facts["reference"],
        purl=None
        if qualifiers is None
        else PackageURL(type="pypi", name=name, version=version, qualifiers=qualifiers),
        hashes=[HashType(alg=HashAlgorithm(a), content=d) for a, d in facts["hashes"]],
        licenses=[make_license(kind, text) for kind, text in facts["licenses"]],
        properties=make_properties(facts),
    )


def make_properties(facts: dict[str, Any]) -> list[Property]:
    """Return the properties of the whole or of a distribution."""
    return [Property(name=name, value=value) for name, value in facts["properties"]]


def make_license(kind: str, text: str) -> License:
    """Return a licence: a `string` may be an expression or a name, a `name` is one."""
    make, declared = LicenseFactory(), LicenseAcknowledgement.DECLARED
    if kind == "name":
        return make.make_with_name(text, acknowledgement=declared)
    return make.make_from_string(text, license_acknowledgement=declared)


if __name__ == "__main__":
    main()
