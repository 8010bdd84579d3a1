/** All messages of this language: one JSON file an area (`sv/desk.json`), keys with the area before them. */
import { gather } from "./gather";

export default gather(import.meta.glob("./sv/*.json", { eager: true, import: "default" }));
