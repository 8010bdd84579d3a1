/** What lies on the desk: the scenario with its edits, what the city says of them, runs, and the open answer. */
import { note } from "$lib/a11y.svelte";
import { ApiError, followJob, get, getEntity, hasEnded, post, send } from "$lib/api";
import { t } from "$lib/i18n.svelte";
import type { CheckedEdit, City, Edit, Job, LonLat, Page, Reading, Scenario, ScenarioBody } from "$lib/types";
import type { Sketch } from "$map/types";

/** At most so many runs are followed live; the others are asked for now and then (browsers allow few open streams). */
const FOLLOWED = 2;
const CHECK_AFTER = 250; // ms

export interface Conflict {
  mine: ScenarioBody;
  theirs: Scenario;
}

export class Work {
  readonly city: City;
  title = $state("");
  edits: Edit[] = $state.raw([]);
  want: string[] = $state.raw([]);
  /** The scenario as the server has it, if it is saved. */
  saved: Scenario | null = $state.raw(null);
  #etag: string | null = null;
  #clean = $state("");
  selected: string | null = $state(null);

  checks: Record<string, CheckedEdit> = $state.raw({});
  checking = $state(false);
  checkFailed: unknown = $state.raw(null);
  #checkTimer = 0;
  #checkCount = 0;

  jobs: Job[] = $state.raw([]);
  #streams = new Map<string, () => void>();
  #pollTimer = 0;

  answer: string | null = $state(null);
  conflict: Conflict | null = $state.raw(null);

  #past: string[] = $state.raw([]);
  #future: string[] = $state.raw([]);

  constructor(city: City) {
    this.city = city;
    this.#clean = this.#text();
  }

  get body(): ScenarioBody {
    return { title: this.title.trim() || this.suggestedTitle, edits: this.edits, want: this.want };
  }

  get suggestedTitle(): string {
    const first = this.edits.find((edit) => !edit.off) ?? this.edits[0];
    const says = first?.id ? this.checks[first.id]?.says : "";
    return (says || t("desk.untitled")).slice(0, 120);
  }

  get active(): Edit[] {
    return this.edits.filter((edit) => !edit.off);
  }

  get dirty(): boolean {
    return this.#text() !== this.#clean;
  }

  get running(): Job[] {
    return this.jobs.filter((job) => !hasEnded(job));
  }

  get canUndo(): boolean {
    return this.#past.length > 0;
  }

  get canRedo(): boolean {
    return this.#future.length > 0;
  }

  get sketches(): Sketch[] {
    return this.edits.flatMap((edit, place) => {
      const geometry = edit.id ? this.checks[edit.id]?.geometry : null;
      if (!geometry) return [];
      const id = edit.id as string;
      const shown = { id, kind: edit.kind, number: place + 1, off: Boolean(edit.off), selected: id === this.selected };
      const stops = Array.isArray(edit.stops) ? (edit.stops as LonLat[]) : [];
      return [{ ...shown, geometry }, ...(stops.length ? [{ ...shown, geometry: { type: "MultiPoint" as const, coordinates: stops } }] : [])];
    });
  }

  #text(): string {
    return JSON.stringify([this.title, this.edits, this.want]);
  }

  #change(edits: Edit[]): void {
    this.#past = [...this.#past.slice(-49), JSON.stringify(this.edits)];
    this.#future = [];
    this.edits = edits;
    this.check();
  }

  #newId(): string {
    const taken = new Set(this.edits.map((edit) => edit.id));
    let number = this.edits.length + 1;
    while (taken.has(`e${number}`)) number += 1;
    return `e${number}`;
  }

  /** Put an edit at the end of the list, and open it. */
  add(edit: Edit): string {
    const id = this.#newId();
    this.#change([...this.edits, { ...edit, id }]);
    this.selected = id;
    return id;
  }

  addAll(edits: Edit[]): void {
    let all = this.edits;
    for (const edit of edits) {
      const taken = new Set(all.map((one) => one.id));
      let number = all.length + 1;
      while (taken.has(`e${number}`)) number += 1;
      all = [...all, { ...edit, id: `e${number}` }];
    }
    this.#change(all);
  }

  set(id: string, fields: Partial<Edit>): void {
    this.#change(this.edits.map((edit) => (edit.id === id ? ({ ...edit, ...fields } as Edit) : edit)));
  }

  remove(id: string): void {
    this.#change(this.edits.filter((edit) => edit.id !== id));
    if (this.selected === id) this.selected = null;
  }

  move(id: string, by: number): void {
    const from = this.edits.findIndex((edit) => edit.id === id);
    const to = from + by;
    if (from < 0 || to < 0 || to >= this.edits.length) return;
    const edits = [...this.edits];
    edits.splice(to, 0, ...edits.splice(from, 1));
    this.#change(edits);
  }

  undo(): void {
    const before = this.#past.at(-1);
    if (before === undefined) return;
    this.#future = [...this.#future, JSON.stringify(this.edits)];
    this.#past = this.#past.slice(0, -1);
    this.edits = JSON.parse(before) as Edit[];
    this.check();
  }

  redo(): void {
    const after = this.#future.at(-1);
    if (after === undefined) return;
    this.#past = [...this.#past, JSON.stringify(this.edits)];
    this.#future = this.#future.slice(0, -1);
    this.edits = JSON.parse(after) as Edit[];
    this.check();
  }

  /** Begin anew; what was saved stays saved. */
  clear(): void {
    this.title = "";
    this.want = [];
    this.saved = null;
    this.#etag = null;
    this.selected = null;
    this.#change([]);
    this.#clean = this.#text();
  }

  take(body: ScenarioBody): void {
    this.title = body.title;
    this.want = body.want ?? [];
    this.edits = body.edits;
    this.selected = null;
    this.check();
  }

  /** Ask the city, a moment after the last change, whether the edits fit and where they lie. */
  check(): void {
    clearTimeout(this.#checkTimer);
    const count = ++this.#checkCount;
    if (!this.edits.length) {
      this.checks = {};
      this.checking = false;
      return;
    }
    this.checking = true;
    this.#checkTimer = window.setTimeout(async () => {
      try {
        const { edits } = await post<{ edits: CheckedEdit[] }>(`/cities/${this.city.name}/check`, { edits: this.edits });
        if (count !== this.#checkCount) return;
        this.checks = Object.fromEntries(edits.map((one) => [one.id, one]));
        this.checkFailed = null;
      } catch (error) {
        if (count === this.#checkCount) this.checkFailed = error;
      } finally {
        if (count === this.#checkCount) this.checking = false;
      }
    }, CHECK_AFTER);
  }

  read(question: string): Promise<Reading> {
    return post<Reading>(`/cities/${this.city.name}/read`, { question });
  }

  async ask(question: string): Promise<Job> {
    return this.#begun(await post<Job>(`/cities/${this.city.name}/jobs`, { kind: "ask", question }));
  }

  /** Run the edits that are on. A saved scenario without changes runs as that version, so that its answer is kept with it. */
  async run(): Promise<Job> {
    const { saved } = this;
    const what =
      saved && !this.dirty
        ? { scenario_id: saved.id, version: saved.version }
        : { scenario: { title: this.body.title, edits: this.edits }, ...(this.want.length ? { want: this.want } : {}) };
    return this.#begun(await post<Job>(`/cities/${this.city.name}/jobs`, { kind: "run", ...what }));
  }

  async cancel(id: string): Promise<void> {
    await send("DELETE", `/jobs/${id}`);
    this.#told(await get<Job>(`/jobs/${id}`));
  }

  #begun(job: Job): Job {
    this.#mine.add(job.id);
    this.#told(job);
    return job;
  }
  /** Runs that were begun here: their answers open by themselves. */
  #mine = new Set<string>();

  #told(job: Job): void {
    const before = this.jobs.find((one) => one.id === job.id);
    this.jobs = before ? this.jobs.map((one) => (one.id === job.id ? job : one)) : [job, ...this.jobs];
    if (hasEnded(job) && this.#mine.delete(job.id)) {
      if (job.status === "done" && job.answer) this.answer = job.answer;
      else if (job.status === "failed") note(`${t("desk.run_failed")} ${job.error?.detail ?? ""}`, "bad");
    }
    this.#follow();
  }

  #follow(): void {
    for (const [id, stop] of this.#streams) {
      if (!this.running.some((job) => job.id === id)) {
        stop();
        this.#streams.delete(id);
      }
    }
    for (const job of this.running.toReversed()) {
      if (this.#streams.size >= FOLLOWED) break;
      if (!this.#streams.has(job.id)) this.#streams.set(job.id, followJob(job.id, (now) => this.#told(now), () => this.#lost(job.id)));
    }
    clearTimeout(this.#pollTimer);
    if (this.running.length > this.#streams.size) this.#pollTimer = window.setTimeout(() => void this.loadJobs(), 3000);
  }

  #lost(id: string): void {
    this.jobs = this.jobs.filter((job) => job.id !== id);
    this.#follow();
  }

  async loadJobs(): Promise<void> {
    const { items } = await get<Page<Job>>(`/jobs?city=${encodeURIComponent(this.city.name)}&limit=20`);
    const known = new Set(items.map((job) => job.id));
    this.jobs = [...this.jobs.filter((job) => !known.has(job.id)), ...items];
    this.#follow();
  }

  /** Open a saved scenario; `version` shows an older one. */
  async open(id: string, version?: number): Promise<void> {
    const { value, etag } = await getEntity<Scenario>(`/scenarios/${encodeURIComponent(id)}${version ? `?version=${version}` : ""}`);
    this.#have(value, etag);
    this.take({ title: value.title, edits: value.edits, want: value.want ?? [] });
    this.#past = [];
    this.#future = [];
    this.#clean = this.#text();
    if (value.answer) this.answer = value.answer;
  }

  #have(scenario: Scenario, etag: string | null): void {
    this.saved = scenario;
    this.#etag = etag;
  }

  /** Save; where someone saved meanwhile, `conflict` holds both and nothing is lost. */
  async save(): Promise<boolean> {
    const body = this.body;
    try {
      const { value, etag } = this.saved
        ? await send<Scenario>("PUT", `/scenarios/${this.saved.id}`, body, { ifMatch: this.#etag ?? "" })
        : await send<Scenario>("POST", `/cities/${this.city.name}/scenarios`, body);
      this.#settled(value, etag);
      return true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412) throw error;
      this.conflict = { mine: body, theirs: error.problem.current as Scenario };
      return false;
    }
  }

  #settled(value: Scenario, etag: string | null): void {
    this.#have(value, etag);
    this.title = value.title;
    this.#clean = this.#text();
    this.conflict = null;
  }

  /** Of a conflict: keep mine under a name of its own; theirs stays as it is. */
  async keepBoth(): Promise<void> {
    const { mine } = this.conflict as Conflict;
    const title = t("desk.copy_of", { title: mine.title });
    const { value, etag } = await send<Scenario>("POST", `/cities/${this.city.name}/scenarios`, { ...mine, title });
    this.#settled(value, etag);
  }

  /** Of a conflict: mine becomes the newest version; theirs stays in the list of versions. */
  async overwrite(): Promise<void> {
    const { mine, theirs } = this.conflict as Conflict;
    const { etag: newest } = await getEntity<Scenario>(`/scenarios/${theirs.id}`);
    const { value, etag } = await send<Scenario>("PUT", `/scenarios/${theirs.id}`, mine, { ifMatch: newest ?? "" });
    this.#settled(value, etag);
  }

  /** Of a conflict: go on with theirs; mine is kept as a copy first. */
  async takeTheirs(): Promise<void> {
    const { mine, theirs } = this.conflict as Conflict;
    await send<Scenario>("POST", `/cities/${this.city.name}/scenarios`, { ...mine, title: t("desk.copy_of", { title: mine.title }) });
    this.conflict = null;
    await this.open(theirs.id);
  }

  async publish(sentence: string): Promise<void> {
    const { saved } = this;
    if (!saved) return;
    await post(`/scenarios/${saved.id}/publish`, { sentence });
    const { value, etag } = await getEntity<Scenario>(`/scenarios/${saved.id}`);
    this.#have(value, etag);
  }

  stop(): void {
    clearTimeout(this.#checkTimer);
    clearTimeout(this.#pollTimer);
    for (const end of this.#streams.values()) end();
    this.#streams.clear();
  }
}
