"""Entries of other systems of a city, for tests."""

from synapolis.civic.entry import AlgorithmEntry, Assessment, Dataset, Reference, Risk


def scanner(**facts):
    """Make a complete entry of another system of a city."""
    return AlgorithmEntry(
        **{
            "id": "example:parking-scanner",
            "version": "1",
            "name": "Parking scanner",
            "summary": "A car with cameras reads number plates and holds them against paid parking.",
            "status": "in use",
            "publication_category": "impactful algorithm",
            "themes": ("traffic",),
            "organisation": "City of Example",
            "responsible_owner": "Head of parking",
            "contact": "parking@example.org",
            "goal_and_impact": "Finds cars that did not pay; drivers may be fined.",
            "lawful_basis": (Reference(title="Parking by-law"),),
            "impact_assessments": (Assessment(name="DPIA", date="2024-01-10"),),
            "datasets": (Dataset(name="Paid plates", personal_data=True),),
            "description": "Plates are read by a neural network and looked up.",
            "type": "self-learning",
            "human_intervention": "A warden looks at each picture.",
            "risks": (Risk(name="Misread plate", mitigation="A warden looks"),),
            "objection_procedure": "Write within six weeks.",
            "revision_date": "2027-01-01",
        }
        | facts
    )
