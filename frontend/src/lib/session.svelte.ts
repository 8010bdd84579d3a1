/** Who is at the desk, and which city is open: asked for once, shared by all pages. */
import { get, useCsrf } from "./api";
import type { City, CityBrief, Me, Page, Word } from "./types";

export const session: { me: Me | null; cities: CityBrief[]; city: City | null } = $state({
  me: null,
  cities: [],
  city: null,
});

export async function loadMe(): Promise<Me> {
  session.me = useCsrf(await get<Me>("/me"));
  return session.me;
}

/** The city that is served (the first one), with all that the map needs. */
export async function loadCity(name?: string): Promise<City> {
  if (!session.cities.length) session.cities = (await get<Page<CityBrief>>("/cities")).items;
  const wanted = name ?? session.city?.name ?? session.cities[0]?.name ?? "";
  if (session.city?.name !== wanted) session.city = await get<City>(`/cities/${encodeURIComponent(wanted)}`);
  return session.city as City;
}

export const may = (word: Word): boolean => session.me?.may.includes(word) ?? false;
