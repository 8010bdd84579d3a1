import "./style.css";
import { mount } from "svelte";
import { loadLanguage } from "$lib/i18n.svelte";
import App from "./App.svelte";

await loadLanguage();
mount(App, { target: document.getElementById("app")! });
