/** The map engine: a chunk of its own, loaded when the first map shows. */
import "maplibre-gl/dist/maplibre-gl.css";
import worker from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { AttributionControl, Map, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";

setWorkerUrl(worker);

export { AttributionControl, Map, NavigationControl, ScaleControl };
