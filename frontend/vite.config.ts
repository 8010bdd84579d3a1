import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const from = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  base: "/",
  plugins: [svelte()],
  resolve: { alias: { $lib: from("./src/lib"), $ui: from("./src/ui"), $map: from("./src/map") } },
  build: {
    outDir: "dist", // hatch_build.py puts it into the package
    emptyOutDir: true,
    target: "es2023",
    manifest: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  server: { proxy: { "/api": "http://127.0.0.1:8000", "/ogc": "http://127.0.0.1:8000" } },
});
