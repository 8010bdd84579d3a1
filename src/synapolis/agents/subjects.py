"""What can be asked about: topics with the quantities they want, and subjects that no model here answers."""

from __future__ import annotations

from dataclasses import dataclass

from synapolis.layers.city import City

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class Topic:
    """A subject that models answer: how people call it, and the quantities it wants (without the thresholds')."""

    name: str
    title: str
    phrases: Phrases
    want: tuple[str, ...]


TOPICS: tuple[Topic, ...] = (
    Topic(
        "stormwater",
        "stormwater",
        (
            *("stormwater", "storm water", "stormwater runoff", "storm runoff", "runoff", "run off", "surface runoff"),
            *("rainwater", "rain water", "rainwater runoff", "rain runoff", "surface water", "surface flooding"),
            *("flooding", "floods", "flood", "flood risk", "flood risks", "risk of flooding", "flooded buildings"),
            *("pluvial flooding", "drainage", "stormwater volume", "runoff volume", "peak runoff", "cloudbursts"),
            *("heavy rain", "cloudburst", "flash floods", "flash flooding", "stormwater flooding", "urban flooding"),
        ),
        ("runoff_volume", "rain_volume", "peak_runoff", "flooded_building_count"),
    ),
    Topic(
        "sewers",
        "storm sewers",
        (
            *("sewers", "sewer", "storm sewers", "storm sewer", "storm drains", "drains", "manholes", "sewer network"),
            *("sewer overflow", "sewer overflows", "sewer spill", "sewer spills", "spilling manholes", "surcharge"),
            *("surcharged manholes", "sewer surcharge", "sewer capacity", "pipe capacity", "spills from sewers"),
        ),
        ("sewer_spill", "surcharged_manholes", "full_sewers", "flooded_building_count"),
    ),
    Topic(
        "flood damage",
        "flood damage",
        (
            *("flood damage", "flood damages", "damage from floods", "damage from flooding", "damage by floods"),
            *("damage by flooding", "flood losses", "cost of floods", "costs of floods", "cost of flooding"),
            *("costs of flooding", "what floods cost", "expected annual damage", "annual flood damage"),
            *("yearly flood damage", "flood damage a year", "flood damage per year", "flood damage per euro"),
            *("flood damage saved per euro", "flood damage avoided per euro", "flood damage saved", "to flood damage"),
            *("flood damage is saved", "flood damage is avoided", "flood damage is saved per euro"),
            *("flood damage is avoided per euro", "flood damage does it save", "flood damage would it save"),
        ),
        ("flood_damage", "expected_flood_damage", "flood_damage_over_life", "total_capital_cost"),
    ),
    Topic(
        "access",
        "access to jobs",
        (
            *(
                "access to jobs",
                "access to work",
                "access to employment",
                "access to workplaces",
                "job access",
                "access",
            ),
            *("accessibility of jobs", "accessibility to jobs", "accessibility", "jobs within reach", "jobs in reach"),
            *("reach jobs", "reachable jobs", "how many jobs", "number of jobs within reach", "jobs accessible"),
            *("travel time to jobs", "travel times to jobs", "travel time to work", "time to jobs", "time to work"),
            *("travel times", "travel time", "commute times", "commuting times", "commute time", "transit access"),
            *(
                "access to jobs by transit",
                "access by transit",
                "access to jobs by public transport",
                "job accessibility",
            ),
        ),
        ("city_mean_time_to_jobs",),
    ),
    Topic("schools", "access to schools", ("access to schools", "school access"), ("schools_within_15_min",)),
    Topic(
        "health care",
        "access to health care",
        (
            "access to health care",
            "access to healthcare",
            "access to health",
            "access to hospitals",
            "access to clinics",
        ),
        ("health_care_within_15_min",),
    ),
    Topic(
        "traffic",
        "car traffic",
        (
            *(
                "traffic",
                "car traffic",
                "road traffic",
                "traffic jams",
                "congestion",
                "traffic congestion",
                "car delay",
            ),
            *("traffic flow", "traffic flows", "car delays", "driving", "vehicle kilometres", "vehicle kilometers"),
            *("kilometres driven", "car use", "delays for cars", "delay for cars", "car journeys", "traffic volumes"),
        ),
        ("vehicle_kilometres", "mean_car_delay", "mode_share_car"),
    ),
    Topic(
        "emissions",
        "what traffic emits",
        (
            *("emissions", "co2", "co2 emissions", "carbon emissions", "carbon dioxide", "carbon", "greenhouse gases"),
            *("greenhouse gas emissions", "traffic emissions", "emissions of traffic", "emissions from traffic"),
            *("car emissions", "exhaust", "vehicle emissions", "to traffic emissions"),
        ),
        ("traffic_carbon_dioxide", "traffic_nitrogen_oxides"),
    ),
    Topic(
        "air pollution",
        "what traffic puts into the air",
        (
            *("air pollution", "pollution", "nox", "nitrogen oxides", "air pollution from traffic", "exhaust fumes"),
            *("traffic pollution", "fumes", "to traffic pollution"),
        ),
        ("traffic_nitrogen_oxides",),
    ),
    Topic(
        "noise",
        "road noise",
        (
            *("noise", "noise levels", "traffic noise", "road noise", "noise from traffic", "street noise"),
            *("noise pollution", "noise exposure", "noise at home", "how loud it is", "how loud it gets", "quieter"),
            *("louder", "loud", "quiet", "to traffic noise"),
        ),
        ("residents_in_road_noise", "resident_road_noise"),
    ),
    Topic(
        "road safety",
        "road safety",
        (
            *("road safety", "traffic safety", "crashes", "accidents", "traffic accidents", "road accidents"),
            *("collisions", "injury crashes", "safer", "safe for traffic", "safer to drive", "less safe"),
            *("injuries on the road", "injuries in traffic", "safety on the road", "safety of traffic", "get safer"),
            *("to traffic safety", "to traffic accidents", "make the streets safer", "make streets safer"),
            *("make it safer", "make the street safer"),
        ),
        ("injury_crashes",),
    ),
    Topic(
        "cost of driving",
        "what driving costs households",
        ("cost of driving", "costs of driving", "driving costs", "cost of travel", "travel costs", "transport costs"),
        ("travel_cost_per_household",),
    ),
    Topic(
        "mode share",
        "how people travel",
        (
            *("mode share", "mode shares", "modal share", "modal shares", "modal split", "mode split", "modal shift"),
            *("mode choice", "choice of mode", "how people travel", "how people get about", "car trips", "transit use"),
            *("car share of trips", "share of car trips", "share of trips by car", "share of trips by transit"),
            *("share of transit", "transit share", "share of cycling", "share of walking", "cycling share"),
            *("trip length", "trip lengths", "length of trips", "use of public transport", "public transport use"),
        ),
        ("mode_share_car", "mode_share_transit", "mode_share_bicycle", "mode_share_walk", "mean_trip_length"),
    ),
    Topic(
        "heat",
        "heat outdoors",
        (
            *("heat", "urban heat", "heat stress", "heat outdoors", "summer heat", "heatwaves", "heat waves"),
            *("thermal comfort", "outdoor comfort", "felt temperature", "felt temperatures", "heat exposure"),
            *("cooling", "heat island", "urban heat island", "shade", "shadow", "shadows", "radiant temperature"),
            *("how hot it gets", "how hot it feels", "heat in the streets", "heat on the streets"),
        ),
        ("mean_street_utci", "streets_in_strong_heat", "mean_utci", "residents_in_strong_heat"),
    ),
    Topic(
        "green",
        "access to green space",
        (
            *("access to parks", "access to green space", "access to green spaces", "access to green areas"),
            *("access to recreation", "parks nearby", "green space per person", "green space per resident"),
        ),
        ("residents_near_green", "outdoor_recreation_space", "green_area_per_100000"),
    ),
    Topic(
        "frequent transit",
        "frequent transit nearby",
        (
            *("access to frequent transit", "frequent transit", "transit coverage", "public transport coverage"),
            *("coverage of public transport", "who lives near a stop", "residents near a stop"),
        ),
        ("residents_near_frequent_transit", "residents_with_convenient_transit"),
    ),
    Topic(
        "services",
        "services nearby",
        (
            *("access to shops", "access to services", "access to basic services", "basic services"),
            *("access to groceries", "access to food", "services nearby", "shops nearby"),
        ),
        ("residents_near_basic_services", "residents_near_grocery"),
    ),
    Topic("housing", "housing", ("housing", "housing supply", "homes that fit", "housing capacity"), ("homes_placed",)),
    Topic(
        "affordability",
        "affordability of housing",
        (
            *("affordability", "housing affordability", "affordability of housing", "rent", "rents", "rent burden"),
            *("housing costs", "housing cost", "affordable housing", "who can afford to live", "who can afford rent"),
            *("who can afford a home", "who can afford housing", "cost of housing", "cost of living in"),
        ),
        ("city_affordable_share", "lowest_group_rent_burden"),
    ),
    Topic(
        "cost",
        "capital cost",
        (
            *(
                "cost",
                "costs",
                "capital cost",
                "capital costs",
                "public money",
                "price",
                "how much does it cost",
                "bill",
            ),
            *(
                "construction cost",
                "construction costs",
                "public cost",
                "building cost",
                "building costs",
                "investment",
            ),
            *(
                "how much would it cost",
                "how much will it cost",
                "what does it cost",
                "what would it cost",
                "total cost",
            ),
            *("what will it cost", "how expensive"),
        ),
        ("total_capital_cost",),
    ),
)
GENERAL = ("stormwater", "access", "traffic", "cost", "affordability")
BY_NAME = {topic.name: topic for topic in TOPICS}
THRESHOLDS = (5, 10, 15, 30, 45)
SMALL_CITY = 5_000.0  # m across: below it nearly everything is within 30 minutes on foot


@dataclass(frozen=True)
class Unmodelled:
    """A subject people ask about that nothing here computes: what is lacking and what it would need."""

    phrases: Phrases
    lacks: str
    needs: str


UNMODELLED: tuple[Unmodelled, ...] = (
    Unmodelled(
        ("air quality", "smog", "no2", "pm10", "pm2 5", "particulates", "clean air", "dirty air"),
        "model of air quality",
        "wind and a dispersion model; ask about air pollution from traffic, which tells how much is emitted",
    ),
    Unmodelled(
        ("climate change", "carbon footprint", "climate"),
        "model of all that a city emits",
        "energy use by building and what is consumed; ask about emissions, which tells those of traffic",
    ),
    Unmodelled(
        ("temperature", "temperatures", "air temperature", "air temperatures"),
        "model of the air's temperature",
        "an urban climate model; ask about heat, which counts sun, shade and surfaces",
    ),
    Unmodelled(
        ("energy", "energy use", "electricity", "heating", "power demand", "energy demand", "power grid", "gas"),
        "model of energy",
        "construction, heating systems and weather by building",
    ),
    Unmodelled(
        ("crime", "crime rates", "safety", "security", "burglary", "violence", "policing"),
        "data on crime",
        "recorded incidents by place and a tested relation between them and what is built",
    ),
    Unmodelled(
        ("road deaths", "traffic deaths", "deaths on the road", "fatal crashes"),
        "model of deaths on the road",
        "crash records by severity; ask about road safety, which tells the injury crashes to expect",
    ),
    Unmodelled(
        ("school grades", "grades", "education", "school results", "test scores", "school places", "pupils"),
        "data on schools' pupils or results",
        "enrolment and results by school",
    ),
    Unmodelled(
        ("health", "public health", "asthma", "life expectancy", "obesity", "mental health", "mortality"),
        "data on health",
        "health records by place and exposure models",
    ),
    Unmodelled(
        ("groundwater", "ground water", "water table", "aquifer", "groundwater level", "groundwater levels"),
        "groundwater data",
        "boreholes, soils and a groundwater model",
    ),
    Unmodelled(
        ("drinking water", "water supply", "water pressure", "tap water", "water demand", "water use"),
        "water supply network",
        "pipes, pumps and demand",
    ),
    Unmodelled(
        ("sewage", "wastewater", "combined sewer overflows", "wastewater treatment"),
        "wastewater model",
        "foul sewers and their flows; ask about storm sewers or stormwater on the surface instead",
    ),
    Unmodelled(
        ("water quality", "bathing water", "sea water quality"), "data on water quality", "samples and a quality model"
    ),
    Unmodelled(
        ("biodiversity", "birds", "bees", "wildlife", "nature", "ecology", "habitats", "species"),
        "data on species",
        "surveys and a habitat model",
    ),
    Unmodelled(
        (
            *("property values", "house prices", "property prices", "land values", "home prices", "land prices"),
            *("real estate prices", "housing prices", "flat prices"),
        ),
        "sale prices",
        "georeferenced sales and a price model",
    ),
    Unmodelled(
        ("taxes", "tax", "tax revenue", "revenue", "budget", "council tax", "public finances", "property tax"),
        "municipal accounts",
        "tax bases and budgets by year",
    ),
    Unmodelled(
        (
            "unemployment",
            "employment",
            "number of jobs",
            "gdp",
            "economy",
            "economic growth",
            "wages",
            "incomes",
            "income",
        ),
        "model of the economy",
        "accounts by sector and a labour-market model",
    ),
    Unmodelled(("tourism", "tourists", "visitors"), "data on visitors", "counts of visitors and what draws them"),
    Unmodelled(
        ("ridership", "passengers", "passenger numbers", "crowding", "crowded trams", "fares", "ticket prices"),
        "passenger counts",
        "boardings by stop and hour, and a model of route choice in transit",
    ),
    Unmodelled(
        ("cycling", "bikes", "bicycles", "bike traffic", "cyclists", "cycle traffic"),
        "model of cycling routes",
        "counts, cycle ways and a route-choice model; ask for the mode share to see how many trips are cycled",
    ),
    Unmodelled(("parking", "parking spaces"), "model of parking", "spaces, prices and turnover by street"),
    Unmodelled(("wind", "wind comfort"), "model of wind", "building heights and a flow model"),
    Unmodelled(("sunlight", "daylight", "views", "sun"), "model of daylight", "building heights by roof"),
    Unmodelled(
        ("gentrification", "displacement", "segregation", "migration", "population growth"),
        "model of who moves where",
        "moves of households by income over years",
    ),
    Unmodelled(
        ("happiness", "wellbeing", "quality of life", "liveability", "elections", "votes"), "data on that", "surveys"
    ),
)


def thresholds_of(city: City) -> tuple[int, ...]:
    """Minutes within which jobs are counted: 15, 30 and 45 in a city large enough to tell, else 5, 10 and 15."""
    west, south, east, north = city.extent.bounds
    large = ((east - west) ** 2 + (north - south) ** 2) ** 0.5 > SMALL_CITY
    return THRESHOLDS[2:] if large else THRESHOLDS[:3]


_BUILT = ("buildings", "land_use", "land_cover_map")
_NEEDS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(BY_NAME["stormwater"].want, (("streets", *_BUILT),)),
    **dict.fromkeys(
        ("flooded_building_count", "flood_damage", "expected_flood_damage", "flood_damage_over_life"),
        (("buildings",), ("terrain", "spot_heights")),
    ),
    **dict.fromkeys(
        ("sewer_spill", "surcharged_manholes", "full_sewers"),
        (("sewer_pipes",), ("sewer_nodes",), ("terrain", "spot_heights")),
    ),
    **dict.fromkeys(
        (
            *(word for name in ("traffic", "mode share", "emissions", "road safety") for word in BY_NAME[name].want),
            "travel_cost_per_household",
        ),
        (("streets",), ("zones", "buildings")),
    ),
    **dict.fromkeys(BY_NAME["noise"].want, (("streets",), ("buildings",))),
    **dict.fromkeys(
        (
            "city_mean_time_to_jobs",
            "schools_within_15_min",
            "health_care_within_15_min",
            *(f"mean_jobs_within_{minutes}_min" for minutes in THRESHOLDS),
        ),
        (("streets",), ("zones", "buildings")),
    ),
    **dict.fromkeys(("mean_street_utci", "streets_in_strong_heat"), (("streets",), ("buildings", "heights"))),
    "mean_utci": (("buildings", "heights"),),
    "residents_in_strong_heat": (("buildings",),),
    "homes_placed": (("buildings", "zones"),),
    "homes_unplaced": (("buildings", "zones"),),
}
_LAYER_WORDS = {
    "streets": "streets",
    "buildings": "buildings",
    "zones": "zones",
    "terrain": "terrain",
    "spot_heights": "spot heights",
    "sewer_pipes": "sewer pipes",
    "sewer_nodes": "manholes",
    "heights": "building heights",
    "land_use": "land use",
    "land_cover_map": "land cover",
}


def lacking(word: str, city: City) -> str | None:
    """Say what a city lacks for a quantity, judged by its layers alone; None where nothing plain is missing."""
    if word in BY_NAME["affordability"].want:
        return _no_rents(city)
    for choices in _NEEDS.get(word, ()):
        if not any(name in city.layers for name in choices):
            return f"{city.title} has no {' or '.join(_LAYER_WORDS[name] for name in choices)}"
    return None


def _no_rents(city: City) -> str | None:
    zones = city.layers["zones"].value if "zones" in city.layers else None
    has = {
        name: zones is not None and name in zones.columns and bool(zones[name].notna().any())
        for name in ("monthly_rent", "median_income")
    }
    incomes = has["median_income"] or "income_groups" in city.layers
    if has["monthly_rent"] and incomes:
        return None
    missing = [word for word, there in (("rents", has["monthly_rent"]), ("incomes", incomes)) if not there]
    return f"{city.title} has no {' or '.join(missing)}"
