/** Colours of the base map: quiet, so that what an answer paints on it stands out. */
export interface Palette {
  land: string;
  water: string;
  shore: string;
  green: string;
  wood: string;
  street: string;
  casing: string;
  path: string;
  building: string;
  tall: string;
  transit: string;
  text: string;
  halo: string;
  waterText: string;
  accent: string;
  faint: string;
}

export const LIGHT: Palette = {
  land: "#f1efe9",
  water: "#b4d2e2",
  shore: "#9dc0d3",
  green: "#d3e3c5",
  wood: "#c2d8b3",
  street: "#ffffff",
  casing: "#d8d3c8",
  path: "#e2dccf",
  building: "#e0d9cc",
  tall: "#c9bfae",
  transit: "#7a5c99",
  text: "#34434c",
  halo: "#ffffffd9",
  waterText: "#2f6079",
  accent: "#0b5f6e",
  faint: "#5b6971",
};

export const DARK: Palette = {
  land: "#131b20",
  water: "#0b2837",
  shore: "#123a4d",
  green: "#172c1f",
  wood: "#1a3423",
  street: "#303d45",
  casing: "#1b262c",
  path: "#27333a",
  building: "#2c3a42",
  tall: "#43545e",
  transit: "#b79ad6",
  text: "#d3dde2",
  halo: "#0b1115d9",
  waterText: "#8fc0d8",
  accent: "#63c7d3",
  faint: "#95a4ab",
};

const dark = matchMedia("(prefers-color-scheme: dark)");

export const palette = (): Palette => (dark.matches ? DARK : LIGHT);

/** Be told when the reader's system turns light or dark; returns what stops it. */
export function onPalette(told: () => void): () => void {
  dark.addEventListener("change", told);
  return () => dark.removeEventListener("change", told);
}
