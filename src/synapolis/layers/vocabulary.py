"""Every quantity, named once: where it lives, its unit, and one sentence. `RunoffDepth` is the word `runoff_depth`."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from synapolis.core.declare import declare_vocabulary, on
from synapolis.layers.grid import Grid as GridValue
from synapolis.layers.grid import Raster
from synapolis.layers.timetable import Timetable as TimetableValue

Table: TypeAlias = pd.DataFrame
Floats = NDArray[np.float64]
Field = NDArray[np.float32]  # (row, column)
Frames = NDArray[np.float16]  # (frame, row, column)
Codes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

# --- layers: whole tables, rasters and networks; schemas.py says what they hold ---------------------------------------
Grid = Annotated[GridValue, on("layer", "", "The city's one declared grid.")]
Extent = Annotated[shapely.Polygon, on("layer", "", "The area the city's data covers.")]
Streets = Annotated[Table, on("layer", "", "Street segments.")]
Junctions = Annotated[Table, on("layer", "", "Ends of street segments.")]
TurnBans = Annotated[Table, on("layer", "", "Turns that cars may not make.")]
Buildings = Annotated[Table, on("layer", "", "Building footprints with use, levels and homes where known.")]
LandUse = Annotated[Table, on("layer", "", "Areas by use.")]
Water = Annotated[Table, on("layer", "", "Sea, lakes and rivers, closed at the extent.")]
Trees = Annotated[Table, on("layer", "", "Single trees.")]
Rail = Annotated[Table, on("layer", "", "Railway and tramway tracks.")]
SpotHeights = Annotated[Table, on("layer", "", "Points of known ground elevation.")]
Places = Annotated[Table, on("layer", "", "Everything with a name.")]
PointsOfInterest = Annotated[Table, on("layer", "", "Shops, schools, health care and other services.")]
Zones = Annotated[Table, on("layer", "", "Areas for people, jobs and services.")]
IncomeGroups = Annotated[Table, on("layer", "", "Households by income group and zone.")]
TrafficCounts = Annotated[Table, on("layer", "1/h", "Cars counted on streets in the morning peak hour.")]
PopulationGrid = Annotated[Table, on("layer", "", "Counted residents on a grid.")]
TransitLines = Annotated[Table, on("layer", "", "Transit lines as mapped.")]
TransitLineStops = Annotated[Table, on("layer", "", "Stops of mapped lines in order.")]
Timetable = Annotated[TimetableValue, on("layer", "", "Stops, trips, times, frequencies and days of service.")]
Terrain = Annotated[Raster, on("layer", "m", "Bare-ground elevation as delivered.")]
Heights = Annotated[Raster, on("layer", "m", "Building height above ground as delivered.")]
Canopy = Annotated[Raster, on("layer", "m", "Canopy height above ground as delivered.")]
LandCoverMap = Annotated[Raster, on("layer", "class", "Mapped land cover as delivered.")]
RainSeries = Annotated[Table, on("layer", "mm/h", "A measured storm: minutes from its start, and intensity.")]
SewerNodes = Annotated[Table, on("layer", "", "Manholes and outfalls.")]
SewerPipes = Annotated[Table, on("layer", "", "Sewer pipes.")]
Weather = Annotated[Table, on("layer", "", "Hourly weather of a typical year.")]

# --- ground ----------------------------------------------------------------------------------------------------------
GroundElevation = Annotated[Field, on("cell", "m", "Bare-ground elevation.")]
GroundCover = Annotated[
    Codes,
    on("cell", "class", "What covers the ground apart from buildings and the yards beside them; 0 where unmapped."),
]
LandCover = Annotated[Codes, on("cell", "class", "What covers the ground: see layers/land_cover.py for the classes.")]
ImperviousFraction = Annotated[Field, on("cell", "1", "Share of the cell that sheds water like pavement.")]
ManningRoughness = Annotated[Field, on("cell", "s/m^(1/3)", "Manning's n of the surface.")]
StorageDepth = Annotated[
    Field, on("cell", "mm", "Water that built storage (green roof, basin, infiltration strip) can hold.")
]
KeptGround = Annotated[
    Flags, on("cell", "1", "Ground that no building may take: street, rail, water, green or square, built on or not.")
]
FreeGround = Annotated[
    Flags,
    on("cell", "1", "Ground where a building could stand: no building, street, rail, water, green or square."),
]

# --- buildings, people, jobs -----------------------------------------------------------------------------------------
BuildingLevels = Annotated[Floats, on("building", "1", "Storeys above ground, mapped or estimated.")]
BuildingHeight = Annotated[Floats, on("building", "m", "Height above ground, mapped or estimated.")]
FloorArea = Annotated[Floats, on("building", "m²", "Gross floor area above ground.")]
BuildingHomes = Annotated[Floats, on("building", "1", "Dwellings, mapped or estimated.")]
BuildingPopulation = Annotated[Floats, on("building", "1", "Residents, estimated.")]
BuildingJobs = Annotated[Floats, on("building", "1", "Jobs, estimated.")]
ZonePopulation = Annotated[Floats, on("zone", "1", "Residents.")]
ZoneJobs = Annotated[Floats, on("zone", "1", "Jobs.")]
ZoneHomes = Annotated[Floats, on("zone", "1", "Dwellings.")]
Population = Annotated[float, on("city", "1", "Residents of the city.")]
Jobs = Annotated[float, on("city", "1", "Jobs in the city.")]
Homes = Annotated[float, on("city", "1", "Dwellings in the city.")]

# --- stormwater ------------------------------------------------------------------------------------------------------
StormIntensity = Annotated[Floats, on("time", "mm/h", "Rain intensity of the design storm, in steps of one minute.")]
RunoffDepth = Annotated[Field, on("cell", "mm", "Rain that neither soaks in nor is stored where it falls.")]
RainVolume = Annotated[float, on("city", "m³", "Rain on the land of the city in the design storm.")]
RunoffVolume = Annotated[float, on("city", "m³", "Rain that neither soaks in nor is stored where it falls, on land.")]
InfiltratedVolume = Annotated[float, on("city", "m³", "Rain that soaks into the ground.")]
StoredVolume = Annotated[float, on("city", "m³", "Rain held in depressions and built storage.")]
PeakRunoff = Annotated[float, on("city", "m³/s", "Largest rate at which runoff is shed.")]
FloodDepth = Annotated[Field, on("cell", "m", "Largest depth of surface water during the event.")]
FloodSpeed = Annotated[Field, on("cell", "m/s", "Largest speed of surface water during the event.")]
FloodArrival = Annotated[Field, on("cell", "s", "When surface water first passes 5 cm; infinite where it never does.")]
FloodDepthByTime = Annotated[
    Frames, on("cell", "m", "Depth of surface water at moments of the event, rounded down.", axes=("time", "cell"))
]
FloodFrameTimes = Annotated[Floats, on("time", "s", "Moments of the frames of the flood, since the storm began.")]
FloodBalance = Annotated[Table, on("city", "m³", "Where the water of the event went, and the error of the account.")]
FloodSteps = Annotated[
    Floats, on("time", "s", "Time steps of the flood: interval of the storm, and length.", axes=("step", "column"))
]
FloodLineDepths = Annotated[
    Field, on("layer", "m", "Depths along lines of the grid, for a re-run of what lies between them.",
              axes=("time", "place"))
]  # fmt: skip
FloodedBuildings = Annotated[Flags, on("building", "1", "Buildings with water above the threshold at a wall.")]
FloodedBuildingCount = Annotated[
    float, on("city", "1", "Number of buildings with water above the threshold at a wall.")
]
FloodHazard = Annotated[
    Field, on("cell", "1", "Hazard class of surface water, 1 (generally safe) to 6 (buildings fail); 0 where dry.")
]
FloodedStreets = Annotated[Flags, on("link", "1", "Streets with water too deep to drive through.")]
FloodedStreetLength = Annotated[float, on("city", "km", "Length of street under water too deep to drive through.")]
ResidentsFlooded = Annotated[float, on("city", "1", "Residents of buildings that surface water reaches.")]
BuildingFloodDamage = Annotated[Floats, on("building", "money", "Damage of the flood to the building and contents.")]
FloodDamage = Annotated[float, on("city", "money", "Damage of the flood to buildings and what is in them.")]
ExpectedFloodDamage = Annotated[float, on("city", "money/a", "Flood damage to buildings in a mean year.")]
FloodDamageOverLife = Annotated[
    float, on("city", "money", "Flood damage to buildings over the life of measures, at its worth today.")
]
FloodDamageCurve = Annotated[Table, on("city", "money", "Rain [mm] and flood damage by return period [a].")]

# --- heat -------------------------------------------------------------------------------------------------------------
Location = Annotated[tuple[float, float], on("layer", "°", "Latitude and longitude of the middle of the city.")]
HotDay = Annotated[Table, on("layer", "", "The hot day by the hour: sun, air, humidity, wind and radiation.")]
BuiltHeight = Annotated[Field, on("cell", "m", "Height of buildings above the ground.")]
TreeHeight = Annotated[Field, on("cell", "m", "Height of the tree canopy above the ground; 0 where there is none.")]
SkyViews = Annotated[
    Field, on("cell", "1", "Views of sky, canopy and walls from the ground and from a person.", axes=("view", "cell"))
]
SkyViewFactor = Annotated[Field, on("cell", "1", "Share of the sky, weighed for flat ground, that nothing hides.")]
ShadeHours = Annotated[Field, on("cell", "h", "Hours of the hot day in which the sun is up and kept off the ground.")]
MeanRadiantTemperature = Annotated[
    Field, on("cell", "°C", "Mean radiant temperature of a standing person in the afternoon of the hot day.")
]
Utci = Annotated[
    Field, on("cell", "°C", "Universal Thermal Climate Index: felt temperature in the afternoon of the hot day.")
]
HourlyUtci = Annotated[
    Field, on("cell", "°C", "Universal Thermal Climate Index by hour of the hot day.", axes=("hour", "cell"))
]
HeatStressHours = Annotated[Field, on("cell", "h", "Hours of the hot day in strong heat stress (UTCI above 32 °C).")]
MeanUtci = Annotated[float, on("city", "°C", "Felt temperature (UTCI) outdoors, mean over the ground of the city.")]
ZoneUtci = Annotated[Floats, on("zone", "°C", "Felt temperature (UTCI) outdoors, mean over the zone's ground.")]
HomeUtci = Annotated[Floats, on("building", "°C", "Felt temperature (UTCI) outdoors, mean over the ground around it.")]
ResidentsInStrongHeat = Annotated[
    float, on("city", "1", "Residents around whose home the mean UTCI passes 32 °C, strong heat stress.")
]
ResidentsInVeryStrongHeat = Annotated[
    float, on("city", "1", "Residents around whose home the mean UTCI passes 38 °C, very strong heat stress.")
]
ResidentUtci = Annotated[float, on("city", "°C", "Felt temperature (UTCI) around the average resident's home.")]
StreetUtci = Annotated[Floats, on("link", "°C", "Felt temperature (UTCI), mean along each street segment.")]
StreetHeatShare = Annotated[
    Floats, on("link", "1", "Share of each street segment's length in strong heat stress (UTCI above 32 °C).")
]
MeanStreetUtci = Annotated[float, on("city", "°C", "Felt temperature (UTCI), mean along the streets people walk.")]
StreetsInStrongHeat = Annotated[
    float, on("city", "1", "Share of the length of walking streets in strong heat stress (UTCI above 32 °C).")
]
SyntheticSewerNodes = Annotated[Table, on("layer", "", "Manholes and outfalls made up where none are mapped.")]
SyntheticSewerPipes = Annotated[Table, on("layer", "", "Sewer pipes made up where none are mapped.")]
SewerBalance = Annotated[Table, on("city", "m³", "Where the water of the sewers came from and where it went.")]
SewerPeaks = Annotated[
    Table, on("layer", "", "Each sewer node's deepest water [m], time surcharged [h] and volume spilled [m³].")
]
SewerPipePeaks = Annotated[
    Table,
    on("layer", "", "Each sewer pipe's largest flow [m³/s], largest filling [1] and time full from end to end [h]."),
]
SewerSpillDepth = Annotated[
    Field,
    on("cell", "mm", "Water that rises out of manholes in the event, spread over the ground within 12 m of each."),
]
FullSewers = Annotated[float, on("city", "%", "Share of the length of sewer pipes that run full in the event.")]
SewerSpill = Annotated[float, on("city", "m³", "Water that rises out of the sewers onto streets in the event.")]
SurchargedManholes = Annotated[float, on("city", "1", "Manholes whose water rises above the crown of their pipes.")]

# --- access ----------------------------------------------------------------------------------------------------------
WalkNetwork = Annotated[Any, on("layer", "m", "Walkable links between junctions, with their length.")]
TransitStops = Annotated[Table, on("stop", "", "Stops of the timetable.")]
TransitWalks = Annotated[
    Any, on("origin-destination", "m", "Walking distances from zones to stops, between stops, and between zones.")
]
MeanTravelTime = Annotated[
    Field, on("origin-destination", "s", "Door-to-door time, mean over departures.", axes=("zone", "zone"))
]
DeparturesWithin = Annotated[
    NDArray[np.uint16],
    on("origin-destination", "1", "Departures that arrive within each threshold.", axes=("threshold", "zone", "zone")),
]
ArrivalMarks = Annotated[
    NDArray[np.uint64],
    on("layer", "", "Fingerprint of each zone's arrivals at each stop, by which an edit's reach is told."),
]
MedianTravelTime = Annotated[
    Field,
    on("origin-destination", "s", "Door-to-door time, median over departures; infinite where most do not arrive.",
       axes=("zone", "zone")),
]  # fmt: skip
TravelTimeP10 = Annotated[
    Field,
    on("origin-destination", "s", "Door-to-door time that a tenth of departures need at most.", axes=("zone", "zone")),
]
TravelTimeP90 = Annotated[
    Field,
    on("origin-destination", "s", "Door-to-door time that nine tenths of departures need at most.",
       axes=("zone", "zone")),
]  # fmt: skip
Transfers = Annotated[
    Field,
    on("origin-destination", "1", "Changes of vehicle on the quickest trip, mean over departures that arrive.",
       axes=("zone", "zone")),
]  # fmt: skip
Fares = Annotated[
    Floats, on("origin-destination", "money", "Price of a journey by transit, in the fares' currency.",
               axes=("zone", "zone"))
]  # fmt: skip
RelativeFares = Annotated[
    Floats, on("origin-destination", "1", "Price of a journey by transit over the mean fare before any edit.",
               axes=("zone", "zone"))
]  # fmt: skip
MeanFareToJobs = Annotated[float, on("city", "money", "Mean price of a journey from residents to the city's jobs.")]
JobsWithin = Annotated[
    Floats, on("zone", "1", "Jobs in reach by threshold, mean over departures.", axes=("threshold", "zone"))
]
JobsWithin5Min = Annotated[Floats, on("zone", "1", "Jobs in reach within 5 minutes door to door.")]
JobsWithin10Min = Annotated[Floats, on("zone", "1", "Jobs in reach within 10 minutes door to door.")]
JobsWithin15Min = Annotated[Floats, on("zone", "1", "Jobs in reach within 15 minutes door to door.")]
JobsWithin30Min = Annotated[Floats, on("zone", "1", "Jobs in reach within 30 minutes door to door.")]
JobsWithin45Min = Annotated[Floats, on("zone", "1", "Jobs in reach within 45 minutes door to door.")]
MeanJobsWithin5Min = Annotated[float, on("city", "1", "Jobs within 5 minutes of the average resident.")]
MeanJobsWithin10Min = Annotated[float, on("city", "1", "Jobs within 10 minutes of the average resident.")]
MeanJobsWithin15Min = Annotated[float, on("city", "1", "Jobs within 15 minutes of the average resident.")]
MeanJobsWithin30Min = Annotated[float, on("city", "1", "Jobs within 30 minutes of the average resident.")]
MeanJobsWithin45Min = Annotated[float, on("city", "1", "Jobs within 45 minutes of the average resident.")]
MeanTimeToJobs = Annotated[Floats, on("zone", "s", "Mean door-to-door time to the city's jobs.")]
CityMeanTimeToJobs = Annotated[
    float, on("city", "s", "Mean door-to-door time from the average resident to the city's jobs.")
]
SchoolsWithin15Min = Annotated[Floats, on("zone", "1", "Schools in reach within 15 minutes door to door.")]
ZoneShops = Annotated[Floats, on("zone", "1", "Shops, food shops and eating places.")]
ZoneGreen = Annotated[Floats, on("zone", "m²", "Parks, woods and other public green in the zone.")]
SchoolsWithin30Min = Annotated[Floats, on("zone", "1", "Schools in reach within 30 minutes door to door.")]
SchoolsWithin45Min = Annotated[Floats, on("zone", "1", "Schools in reach within 45 minutes door to door.")]
HealthCareWithin30Min = Annotated[Floats, on("zone", "1", "Health-care sites in reach within 30 minutes door to door.")]
HealthCareWithin45Min = Annotated[Floats, on("zone", "1", "Health-care sites in reach within 45 minutes door to door.")]
ShopsWithin15Min = Annotated[Floats, on("zone", "1", "Shops in reach within 15 minutes door to door.")]
ShopsWithin30Min = Annotated[Floats, on("zone", "1", "Shops in reach within 30 minutes door to door.")]
ShopsWithin45Min = Annotated[Floats, on("zone", "1", "Shops in reach within 45 minutes door to door.")]
GreenWithin15Min = Annotated[Floats, on("zone", "m²", "Public green in reach within 15 minutes door to door.")]
GreenWithin30Min = Annotated[Floats, on("zone", "m²", "Public green in reach within 30 minutes door to door.")]
GreenWithin45Min = Annotated[Floats, on("zone", "m²", "Public green in reach within 45 minutes door to door.")]
GravityAccessToJobs = Annotated[Floats, on("zone", "1", "Jobs, each counting the less the longer the trip to it.")]
MeanGravityAccessToJobs = Annotated[float, on("city", "1", "Gravity access to jobs of the average resident.")]
JobsByIncomeGroup = Annotated[
    Table, on("city", "1", "Jobs within 30 minutes of the average household of each income group.")
]
PalmaRatioOfAccess = Annotated[
    float,
    on("city", "1", "Jobs within 30 minutes of the tenth of residents in the richest zones, over those of the four "
       "tenths in the poorest."),
]  # fmt: skip
ShareWithPoorAccess = Annotated[
    float, on("city", "1", "Share of residents who reach too small a part of the city's jobs in 30 minutes.")
]
BasicServicesNearby = Annotated[
    Floats, on("zone", "1", "How many of school, health care, shop and green are within 15 minutes on foot: 0 to 4.")
]
FifteenMinuteCityShare = Annotated[
    float, on("city", "1", "Share of residents with school, health care, shop and green within 15 minutes on foot.")
]
JobsWithin30MinOffPeak = Annotated[
    Floats, on("zone", "1", "Jobs in reach within 30 minutes door to door, out of the peak.")
]
MeanJobsWithin30MinOffPeak = Annotated[
    float, on("city", "1", "Jobs within 30 minutes of the average resident, out of the peak.")
]
HealthCareWithin15Min = Annotated[Floats, on("zone", "1", "Health-care sites in reach within 15 minutes door to door.")]

# --- traffic ---------------------------------------------------------------------------------------------------------
RoadNetwork = Annotated[Any, on("layer", "", "Directed links with capacity and free-flow time, zones connected to it.")]
CarTrips = Annotated[
    Floats, on("origin-destination", "1/h", "Car trips in the peak hour.", axes=("origin", "destination"))
]
FreeFlowCarTime = Annotated[
    Floats, on("origin-destination", "s", "Car travel time on empty streets.", axes=("origin", "destination"))
]
CarTime = Annotated[Floats, on("origin-destination", "s", "Congested car travel time.", axes=("origin", "destination"))]
GoodsTrips = Annotated[
    Floats, on("origin-destination", "1/h", "Goods vehicles in the peak hour.", axes=("origin", "destination"))
]
TripEnds = Annotated[Any, on("zone", "1/d", "Trips made and drawn a day, by purpose, income and car at hand.")]
StreetDistance = Annotated[
    Floats,
    on(
        "origin-destination",
        "m",
        "Shortest way on streets and paths, in metres of level ground.",
        axes=("origin", "destination"),
    ),
]
CarReachable = Annotated[
    Flags, on("origin-destination", "1", "Pairs that open streets join.", axes=("origin", "destination"))
]
TravelChoices = Annotated[Any, on("origin-destination", "1", "What each mode costs and takes, car time left out.")]
TransitTrips = Annotated[
    Floats, on("origin-destination", "1/h", "Transit trips in the peak hour.", axes=("origin", "destination"))
]
TripsByMode = Annotated[
    Table, on("city", "1/d", "Trips within the city by purpose and mode: trips a day, in the peak hour, length, time.")
]
HomeModeTrips = Annotated[Floats, on("zone", "1/d", "Trips of a zone's residents by mode.", axes=("mode", "zone"))]
DemandBalance = Annotated[Any, on("zone", "1", "Balancing factors of the trip tables, from which edits continue.")]
CountFactors = Annotated[
    Any, on("origin-destination", "1", "What counts change modelled car trips by; 1 where nothing was counted.")
]
CountFit = Annotated[Table, on("city", "1/h", "Counted and modelled cars by street and screen line, and GEH.")]
CountMisfit = Annotated[float, on("city", "1", "Share of the counts that modelled cars miss by a GEH of 5 or more.")]
DemandReport = Annotated[Table, on("city", "", "Trips in all, what no mode serves, misfit, and what the data lack.")]
ModeShareCar = Annotated[float, on("city", "1", "Share of the residents' trips made by car.")]
ModeShareTransit = Annotated[float, on("city", "1", "Share of the residents' trips made by transit.")]
ModeShareBicycle = Annotated[float, on("city", "1", "Share of the residents' trips made by bicycle.")]
ModeShareWalk = Annotated[float, on("city", "1", "Share of the residents' trips made on foot.")]
ZoneCarShare = Annotated[Floats, on("zone", "1", "Share of a zone's residents' trips made by car.")]
ZoneTransitShare = Annotated[Floats, on("zone", "1", "Share of a zone's residents' trips made by transit.")]
ZoneBicycleShare = Annotated[Floats, on("zone", "1", "Share of a zone's residents' trips made by bicycle.")]
ZoneWalkShare = Annotated[Floats, on("zone", "1", "Share of a zone's residents' trips made on foot.")]
MeanTripLength = Annotated[float, on("city", "m", "Length of the average trip of residents, all modes.")]
TravelEase = Annotated[
    Floats,
    on("zone", "s", "How well residents get about by all modes, in seconds of driving; only changes count."),
]
MeanTravelEase = Annotated[
    float, on("city", "s", "How well the average resident gets about by all modes, in seconds of driving.")
]
LinkFlow = Annotated[Floats, on("link", "1/h", "Cars per hour, both directions.")]
LinkGoodsFlow = Annotated[Floats, on("link", "1/h", "Goods vehicles per hour, both directions.")]
LinkTimeRatio = Annotated[Floats, on("link", "1", "Congested time over free-flow time.")]
VehicleKilometres = Annotated[float, on("city", "km/h", "Vehicle-kilometres driven in the peak hour.")]
VehicleHours = Annotated[float, on("city", "h/h", "Vehicle-hours spent in the peak hour.")]
MeanCarDelay = Annotated[float, on("city", "s", "Delay of the average car trip against free flow.")]
RouteSets = Annotated[
    Any, on("link", "1/h", "Flow of each origin on each link, from which an edited equilibrium starts.")
]
AssignmentReport = Annotated[Table, on("city", "", "Relative gap, iterations and method of the equilibrium.")]
LinkSpeed = Annotated[Floats, on("link", "m/s", "Mean speed of cars in the peak hour.")]
LinkCarbonDioxide = Annotated[Floats, on("link", "g/(km·h)", "Carbon dioxide that traffic emits in the peak hour.")]
LinkNitrogenOxides = Annotated[Floats, on("link", "g/(km·h)", "Nitrogen oxides that traffic emits in the peak hour.")]
TrafficCarbonDioxide = Annotated[
    float, on("city", "t/a", "Carbon dioxide that traffic within the city emits in a year.")
]
TrafficNitrogenOxides = Annotated[
    float, on("city", "kg/a", "Nitrogen oxides that traffic within the city emits in a year.")
]
LinkNoise = Annotated[
    Floats, on("link", "dB", "Sound power of traffic a metre of street in the peak hour, A-weighted.")
]
FacadeNoise = Annotated[Floats, on("building", "dB", "Road noise at the loudest facade, Lden.")]
ResidentsInRoadNoise = Annotated[float, on("city", "1", "Residents of buildings whose loudest facade is too loud.")]
ResidentRoadNoise = Annotated[float, on("city", "dB", "Road noise at the facade of the average resident's home, Lden.")]
LinkCrashes = Annotated[Floats, on("link", "1/a", "Injury crashes expected in a year.")]
InjuryCrashes = Annotated[float, on("city", "1/a", "Injury crashes expected in a year.")]
TravelCostPerHousehold = Annotated[float, on("city", "EUR/a", "What driving within the city costs a household.")]

# --- housing and money -----------------------------------------------------------------------------------------------
HousingCapacity = Annotated[float, on("city", "1", "Homes that fit on free ground under the massing rules.")]
HousingProgramme = Annotated[
    Table, on("layer", "", "New homes by site: edit, kind of site, levels, homes, floor area, geometry.")
]
HomesPlaced = Annotated[float, on("city", "1", "New homes that fit.")]
HomesUnplaced = Annotated[float, on("city", "1", "New homes that were asked for and do not fit.")]
MonthlyRent = Annotated[Floats, on("zone", "money/month", "Rent of a typical home.")]
RentBurden = Annotated[Floats, on("zone", "1", "Rent of a typical home over the income of the lowest income group.")]
AffordableShare = Annotated[Floats, on("zone", "1", "Share of the zone's households that can afford its typical rent.")]
CityAffordableShare = Annotated[
    float, on("city", "1", "Share of households that can afford the typical rent where they live.")
]
LowestGroupRentBurden = Annotated[
    float, on("city", "1", "Rent over income for the lowest income group, mean over its households.")
]
CapitalCost = Annotated[Table, on("layer", "money", "Capital cost of each edit: edit, item, amount, unit cost, cost.")]
TotalCapitalCost = Annotated[float, on("city", "money", "Capital cost of all edits.")]
VehiclesInService = Annotated[Table, on("layer", "1", "Vehicles that the timetable needs at its busiest, by mode.")]
FleetValue = Annotated[float, on("city", "money", "Price of the vehicles that the timetable needs, spares included.")]
GroundWorks = Annotated[
    Table, on("layer", "", "What edits do to the ground: edit, item, amount and unit, as carried out.")
]

# --- indicators: functions of the twin, in the units of the standards; see indicators/formulas ------------------------
ResidentPoints = Annotated[Table, on("layer", "1", "Where residents live: x, y and people.")]
StopHeadway = Annotated[
    Floats, on("stop", "s", "Mean time between departures of the best-served line in the peak; infinite without any.")
]
TransitNetworkPer100000 = Annotated[
    float, on("city", "km per 100 000", "Length of public transport routes for each 100 000 residents.")
]
ResidentsNearFrequentTransit = Annotated[
    float, on("city", "%", "Share of residents within 500 m of a stop served at least every 20 minutes in the peak.")
]
ResidentsWithConvenientTransit = Annotated[
    float, on("city", "%", "Share of residents within 500 m of a bus or tram stop or 1 km of a station.")
]
BicyclePathsPer100000 = Annotated[
    float, on("city", "km per 100 000", "Length of bicycle paths and lanes for each 100 000 residents.")
]
PedestrianAreaShare = Annotated[float, on("city", "%", "Share of the city area for walkers or free of cars.")]
EvacuationRoutesPer100000 = Annotated[
    float, on("city", "per 100 000", "Ways out of the city by road for each 100 000 residents.")
]
EmergencyResponseTime = Annotated[
    float, on("city", "min", "Mean time from an emergency call until help from the nearest station arrives.")
]
AverageCommuteTime = Annotated[float, on("city", "min", "Mean one-way time between home and work.")]
TravelTimeIndex = Annotated[float, on("city", "1", "Peak car travel time over free-flow travel time.")]
ResidentsAboveNoiseLimit = Annotated[
    float, on("city", "%", "Share of residents with more road noise at the loudest facade than the limit (Lden).")
]
GreenAreaPer100000 = Annotated[float, on("city", "ha per 100 000", "Vegetated ground for each 100 000 residents.")]
PublicGreenPer100000 = Annotated[
    float, on("city", "ha per 100 000", "Parks and other green open to all for each 100 000 residents.")
]
ResidentsNearGreen = Annotated[float, on("city", "%", "Share of residents within 300 m of green open to all.")]
OutdoorRecreationSpace = Annotated[
    float, on("city", "m² per capita", "Public outdoor recreation space for each resident.")
]
OutdoorRecreationPer100000 = Annotated[
    float, on("city", "m² per 100 000", "Public recreation grounds for each 100 000 residents.")
]
IndoorRecreationSpace = Annotated[
    float, on("city", "m² per capita", "Public indoor recreation space for each resident.")
]
NaturalProtectionShare = Annotated[float, on("city", "%", "Share of the city area protected for nature.")]
UrbanAgriculturePer100000 = Annotated[
    float, on("city", "ha per 100 000", "Allotments, fields and orchards for each 100 000 residents.")
]
TreesPer100000 = Annotated[float, on("city", "per 100 000", "Mapped trees for each 100 000 residents.")]
TreeCanopyShare = Annotated[float, on("city", "%", "Share of the city's land under tree canopy.")]
PerviousLandShare = Annotated[float, on("city", "%", "Share of the city's land that is pervious.")]
PublicSpaceShare = Annotated[float, on("city", "%", "Share of the city's land that is open public space or street.")]
ResidentsNearBasicServices = Annotated[
    float, on("city", "%", "Share of residents near a school, health care, a shop and a recreation ground.")
]
ResidentsNearGrocery = Annotated[float, on("city", "%", "Share of residents within 1 km of a grocery.")]
CulturalInstitutionsPer100000 = Annotated[
    float, on("city", "per 100 000", "Cultural institutions for each 100 000 residents.")
]
CultureAndSportPer100000 = Annotated[
    float, on("city", "per 100 000", "Cultural institutions and sporting facilities for each 100 000 residents.")
]
AccessiblePublicBuildings = Annotated[
    float, on("city", "%", "Share of public places that are accessible by wheelchair, of those that were judged.")
]
PopulationDensity = Annotated[float, on("city", "per km²", "Residents for each square kilometre of land.")]
BuiltUpDensity = Annotated[float, on("city", "1", "Floor area of all buildings over the city area.")]
LivingSpacePerPerson = Annotated[float, on("city", "m² per person", "Residential floor area for each resident.")]
PersonsPerHome = Annotated[float, on("city", "persons per dwelling", "Residents for each occupied dwelling.")]
JobsPerHome = Annotated[float, on("city", "jobs per dwelling", "Jobs for each dwelling.")]
ResidentsInDenseAreas = Annotated[float, on("city", "%", "Share of residents in areas of medium to high density.")]
StructurallyVulnerableBuildings = Annotated[
    float, on("city", "%", "Share of buildings that are structurally vulnerable, by their age.")
]
PublicBuildingsToRefurbish = Annotated[
    float, on("city", "%", "Share of public-building floor area that needs renovation, by its age.")
]
HeatingDegreeDays = Annotated[
    float, on("city", "degree days", "Days of the year times degrees below the heating base temperature.")
]
CoolingDegreeDays = Annotated[
    float, on("city", "degree days", "Days of the year times degrees above the cooling base temperature.")
]
HomesFloodedPerYear = Annotated[float, on("city", "%", "Share of homes that the design storm floods, in a mean year.")]
HomesInHighRiskZones = Annotated[float, on("city", "%", "Share of homes where the design storm's water stands deep.")]
ResidentsAtHighRisk = Annotated[
    float, on("city", "%", "Share of residents where the design storm's water stands deep.")
]
ResidentsAffectedByHazards = Annotated[
    float, on("city", "%", "Share of residents whom the design storm's water reaches at home, in a mean year.")
]
CriticalInfrastructureFlooded = Annotated[
    float, on("city", "%", "Share of health-care and public sites that the design storm floods, in a mean year.")
]
HazardMapCoverage = Annotated[float, on("city", "%", "Share of the city area that the twin's flood map covers.")]
RiskReducedLandShare = Annotated[float, on("city", "%", "Share of deeply flooded land that has built storage.")]
ResidentsInAffordableHousing = Annotated[
    float, on("city", "%", "Share of residents whose household can afford its home.")
]
HousingExpenditure = Annotated[float, on("city", "%", "Share of household income that rent takes.")]
CostBurdenedHouseholds = Annotated[
    float, on("city", "%", "Share of households that would pay more of their income for rent than the limit.")
]
MedianMultiple = Annotated[
    float, on("city", "1", "Median price of a dwelling over the median yearly household income.")
]
PriceToRent = Annotated[float, on("city", "1", "Median price of a dwelling over the median rent of a year.")]
Households = Annotated[float, on("city", "count", "Number of households.")]
PopulationBelowPovertyLine = Annotated[float, on("city", "%", "Share of people below the poverty line.")]
GiniCoefficient = Annotated[float, on("city", "1", "Gini coefficient of household incomes, 0 equal to 1 unequal.")]
ResidentsInInadequateHousing = Annotated[float, on("city", "%", "Share of residents in inadequate housing.")]
VacancyRate = Annotated[float, on("city", "%", "Share of dwellings that stand empty.")]
RentalShare = Annotated[float, on("city", "%", "Share of dwellings that are rented out.")]
VulnerablePopulation = Annotated[float, on("city", "%", "Share of residents who are vulnerable.")]
CommutersNotByCar = Annotated[float, on("city", "%", "Share of commuters who do not go by personal vehicle.")]
TransitTripsPerCapita = Annotated[
    float, on("city", "trips per capita per year", "Boardings of public transport by each resident in a year.")
]
DomesticWaterUsePerCapita = Annotated[
    float, on("city", "L per capita per day", "Water that households use for each resident and day.")
]
TotalWaterUsePerCapita = Annotated[
    float, on("city", "L per capita per day", "Water that all users take for each resident and day.")
]
EndUseEnergyPerCapita = Annotated[
    float, on("city", "GJ per capita per year", "End-use energy for each resident in a year.")
]
RenewableEnergyShare = Annotated[float, on("city", "%", "Share of end-use energy from renewable sources.")]
ChargersPerElectricVehicle = Annotated[
    float, on("city", "per vehicle", "Charging points for each registered electric vehicle.")
]

# --- what an edit brings with it -------------------------------------------------------------------------------------
EditId = Annotated[str, on("layer", "", "Id of the edit.")]
EditArea = Annotated[Any, on("layer", "", "Area the edit applies to, in the city's CRS.")]
EditStreets = Annotated[Any, on("layer", "", "Ids of the street segments the edit applies to.")]
EditRoute = Annotated[str, on("layer", "", "Public number of the transit line the edit applies to.")]
EditLine = Annotated[Any, on("layer", "", "Stops of a new transit line in order: id, name, geometry.")]
EditMode = Annotated[str, on("layer", "", "Mode of a new transit line.")]
EditSpan = Annotated[
    Any, on("layer", "s", "First and last second after midnight that the edit sets; empty: all day, below 0: as today.")
]
EditStop = Annotated[Any, on("layer", "", "Ids of the transit stops the edit applies to.")]
EditFareFactor = Annotated[float, on("city", "1", "What the edit multiplies every fare by.")]
EditFarePrice = Annotated[float, on("city", "money", "Price the edit sets for every fare; below 0: none.")]
EditHeadway = Annotated[float, on("city", "s", "Headway the edit sets.")]
EditCover = Annotated[str, on("layer", "", "Land-cover class the edit paints.")]
EditHomes = Annotated[float, on("city", "1", "Homes the edit adds.")]
EditLanes = Annotated[
    float, on("city", "1", "Lanes the edit adds to (or takes from) each segment, both directions together.")
]
EditShare = Annotated[float, on("layer", "1", "Share of the ground of the right kind on which the edit builds.")]
EditStorage = Annotated[
    str, on("layer", "", "Kind of storage the edit builds: basin, green_roof, infiltration_strip or rain_garden.")
]
EditSpacing = Annotated[float, on("city", "m", "Distance between the trees the edit plants.")]
EditTreeHeight = Annotated[float, on("city", "m", "Height of the trees the edit plants, grown.")]
EditDepth = Annotated[float, on("city", "mm", "Storage depth the edit builds.")]
EditLog = Annotated[Table, on("layer", "", "Edit log: one row an edit: edit, kind, amount, unit.")]

declare_vocabulary(globals())
