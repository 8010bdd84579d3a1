/** All messages of this language: one JSON file an area (`fi/desk.json`), keys with the area before them. */
import { gather } from "./gather";

export default gather(import.meta.glob("./fi/*.json", { eager: true, import: "default" }));
