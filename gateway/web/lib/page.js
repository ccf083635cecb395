// SPDX-License-Identifier: Apache-2.0
// <bf-page>: the picture of a page, to be looked at closely. It is dragged, zoomed where the pointer is, pinched, turned; a place on it is marked by dragging a
// rectangle or with the arrow keys. Properties: `src` (a URL, or null while there is none), `group` (pictures of one group are versions of the same page: the
// view stays), `marks` [{id, x, y, w, h}] in ten-thousandths of the picture's sides, `active` (id of the mark that is meant), `look` ({id}, each new one brings
// that mark into the middle once its picture is there); `twin`, another viewer that shows the same place, as large and turned alike. To be read: `ready`, the
// picture of `src` is what is seen; until then there is nothing to zoom, turn or mark. Events: `view` ({zoom}), `drawn` ({x, y, w, h}), `drawing` ({on}), `failed`.
const PAN = 60, STEP = 100, ZOOM = 1.25, SCALE_MIN = 0.02, SCALE_MAX = 8, SIDE = 10000, KEPT = 48, SMALLEST = 20;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

class BfPage extends HTMLElement {
  #image = document.createElement("img");
  #sheet = document.createElement("div");
  #ghost = document.createElement("div");
  group = null;
  twin = null;
  ready = false;
  #src = null;
  #marks = [];
  #active = null;
  #look = null;
  #toShow = null;
  #wide = 0; // the viewer as it was last drawn
  #high = 0;
  #w = 0;
  #h = 0;
  #shown = null; // the group whose picture is shown
  #x = 0; // where the picture's middle is, in pixels of the viewer
  #y = 0;
  #scale = 1;
  #turns = 0;
  #fit = "page";
  #pointers = new Map();
  #drawing = null; // {x, y, w, h} while a mark is drawn
  #from = null;
  #watch = new ResizeObserver(() => this.#resized());

  connectedCallback() {
    this.#sheet.className = "sheet";
    this.#ghost.className = "mark ghost";
    this.#image.alt = "";
    this.#image.draggable = false;
    this.#sheet.append(this.#image);
    this.append(this.#sheet);
    this.#image.addEventListener("load", () => this.#loaded());
    this.#image.addEventListener("error", () => this.#tell("failed"));
    this.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.addEventListener("pointerdown", (event) => this.#down(event));
    this.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) {
      this.addEventListener(name, (event) => this.#up(event));
    }
    this.addEventListener("dblclick", () => this.fit(this.#fit === "page" ? "width" : "page"));
    this.addEventListener("keydown", (event) => this.#key(event));
    this.#watch.observe(this);
  }

  disconnectedCallback() {
    this.#watch.disconnect();
  }

  set src(url) {
    if (url === this.#src) {
      return;
    }
    this.#src = url;
    this.ready = false;
    this.#stop();
    this.#sheet.hidden = !url;
    if (url) {
      this.#image.src = url;
    } else {
      this.#image.removeAttribute("src");
    }
  }
  set marks(marks) {
    this.#marks = marks;
    this.#placeMarks();
  }
  set active(id) {
    this.#active = id;
    this.#placeMarks();
  }

  set look(look) {
    if (look !== this.#look) {
      this.#look = look;
      this.#toShow = look?.id ?? null;
      queueMicrotask(() => this.#showWanted()); // once the properties set beside it are there
    }
  }

  /** "page" or "width". */
  fit(how) {
    if (this.ready) {
      this.#fitTo(how);
      this.#draw();
    }
  }

  /** By a factor; what is at (x, y), the middle by default, stays there. */
  zoom(factor, x = this.clientWidth / 2, y = this.clientHeight / 2) {
    const scale = clamp(this.#scale * factor, SCALE_MIN, SCALE_MAX), by = scale / this.#scale;
    this.#fit = null;
    this.#scale = scale;
    this.#x = x - by * (x - this.#x);
    this.#y = y - by * (y - this.#y);
    this.#draw();
  }

  zoomIn() {
    this.zoom(ZOOM);
  }

  zoomOut() {
    this.zoom(1 / ZOOM);
  }

  /** By quarters, clockwise. */
  turn(quarters) {
    this.#turns = (this.#turns + quarters + 4) % 4;
    this.fit(this.#fit ?? "page");
  }

  /** Begins a mark: a rectangle that the pointer draws anew, or that the arrow keys move and (with Shift) stretch; Enter takes it, Escape leaves. */
  mark() {
    if (!this.ready) {
      return;
    }
    const [x, y] = this.#onPicture(this.clientWidth / 2, this.clientHeight / 2);
    const w = clamp(Math.round((this.clientWidth * 0.3 * SIDE) / (this.#scale * this.#w)), STEP, SIDE / 3);
    const h = clamp(Math.round((this.clientHeight * 0.08 * SIDE) / (this.#scale * this.#h)), STEP, SIDE / 3);
    this.#drawing = { x: clamp(x - w / 2, 0, SIDE - w), y: clamp(y - h / 2, 0, SIDE - h), w, h };
    this.#sheet.append(this.#ghost);
    this.#place(this.#ghost, this.#drawing);
    this.toggleAttribute("drawing", true);
    this.focus();
    this.#tell("drawing", { on: true });
  }

  // ---- the picture ----

  #fitTo(how) {
    this.#fit = how;
    const [w, h] = this.#turned();
    const wide = this.clientWidth / w, high = this.clientHeight / h;
    this.#scale = clamp(how === "width" ? wide : Math.min(wide, high), SCALE_MIN, SCALE_MAX);
    this.#x = this.clientWidth / 2;
    this.#y = how === "width" ? Math.max(this.clientHeight, h * this.#scale) / 2 : this.clientHeight / 2;
  }

  /** What the other shows in its middle, as wide. */
  #follow(other) {
    if (!this.ready || !other.ready) {
      return;
    }
    this.#turns = other.#turns;
    if (other.#fit) {
      this.#fitTo(other.#fit);
    } else {
      const [w, h] = this.#turned(), [otherW, otherH] = other.#turned();
      this.#fit = null;
      this.#scale = clamp((other.#scale * otherW) / w, SCALE_MIN, SCALE_MAX);
      this.#x = this.clientWidth / 2 - ((other.clientWidth / 2 - other.#x) / (otherW * other.#scale)) * w * this.#scale;
      this.#y = this.clientHeight / 2 - ((other.clientHeight / 2 - other.#y) / (otherH * other.#scale)) * h * this.#scale;
    }
    this.#draw({ leads: false });
  }

  #loaded() {
    const before = this.#w, same = this.#shown !== null && this.#shown === this.group;
    this.ready = true;
    this.#w = this.#image.naturalWidth;
    this.#h = this.#image.naturalHeight;
    this.#shown = this.group;
    this.#sheet.style.width = `${this.#w}px`;
    this.#sheet.style.height = `${this.#h}px`;
    if (this.twin?.ready) {
      this.#follow(this.twin);
    } else if (same && !this.#fit) {
      this.#scale *= before / this.#w; // another version, of another size perhaps: what was looked at stays as large
      this.#draw();
    } else {
      this.#turns = same ? this.#turns : 0;
      this.fit(same ? this.#fit : "page");
    }
    this.#showWanted();
  }

  #showWanted() {
    const mark = this.#marks.find((one) => one.id === this.#toShow);
    if (!mark || !this.ready) {
      return;
    }
    this.#toShow = null;
    const w = (mark.w / SIDE) * this.#w, h = (mark.h / SIDE) * this.#h;
    const [wide, high] = this.#turns % 2 ? [h, w] : [w, h];
    this.#fit = null;
    this.#scale = clamp(Math.min((this.clientWidth * 0.7) / wide, (this.clientHeight * 0.5) / high), this.#scale, 2);
    const [dx, dy] = this.#rotate((mark.x + mark.w / 2) / SIDE * this.#w - this.#w / 2, (mark.y + mark.h / 2) / SIDE * this.#h - this.#h / 2, this.#turns);
    this.#x = this.clientWidth / 2 - dx * this.#scale;
    this.#y = this.clientHeight / 2 - dy * this.#scale;
    this.#draw();
  }

  /** What was in the middle stays there. */
  #resized() {
    if (!this.ready) {
      return;
    }
    if (this.#fit) {
      this.#fitTo(this.#fit);
    } else {
      this.#x += (this.clientWidth - this.#wide) / 2;
      this.#y += (this.clientHeight - this.#high) / 2;
    }
    this.#draw();
  }

  #turned() {
    return this.#turns % 2 ? [this.#h, this.#w] : [this.#w, this.#h];
  }

  #rotate(x, y, quarters) {
    return [[x, y], [-y, x], [-x, -y], [y, -x]][(quarters + 4) % 4];
  }

  /** A place in the viewer, in ten-thousandths of the picture. */
  #onPicture(x, y) {
    const [dx, dy] = this.#rotate((x - this.#x) / this.#scale, (y - this.#y) / this.#scale, -this.#turns);
    return [clamp(Math.round(((dx + this.#w / 2) / this.#w) * SIDE), 0, SIDE), clamp(Math.round(((dy + this.#h / 2) / this.#h) * SIDE), 0, SIDE)];
  }

  #draw({ leads = true } = {}) {
    if (!this.ready) {
      return;
    }
    this.#wide = this.clientWidth;
    this.#high = this.clientHeight;
    const [w, h] = this.#turned().map((side) => (side * this.#scale) / 2);
    this.#x = clamp(this.#x, KEPT - w, this.clientWidth + w - KEPT); // never out of sight
    this.#y = clamp(this.#y, KEPT - h, this.clientHeight + h - KEPT);
    this.#sheet.style.transform =
      `translate(${this.#x}px,${this.#y}px) rotate(${this.#turns * 90}deg) scale(${this.#scale}) translate(${-this.#w / 2}px,${-this.#h / 2}px)`;
    this.#sheet.style.setProperty("--pixel", `${1 / this.#scale}px`);
    this.#tell("view", { zoom: this.#scale });
    if (leads) {
      this.twin?.#follow(this);
    }
  }

  #placeMarks() {
    for (const old of this.#sheet.querySelectorAll(".mark:not(.ghost)")) {
      old.remove();
    }
    for (const mark of this.#marks) {
      const box = document.createElement("div");
      box.className = mark.id === this.#active ? "mark active" : "mark";
      this.#place(box, mark);
      this.#sheet.append(box);
    }
  }

  #place(box, { x, y, w, h }) {
    Object.assign(box.style, { left: `${x / 100}%`, top: `${y / 100}%`, width: `${w / 100}%`, height: `${h / 100}%` });
  }

  // ---- pointers ----

  #at(event) {
    const box = this.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #wheel(event) {
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    this.zoom(Math.exp(-clamp(pixels, -200, 200) / (event.ctrlKey ? 100 : 400)), ...this.#at(event));
  }

  #down(event) {
    if (event.button !== 0 || !this.ready) {
      return;
    }
    this.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.#at(event));
    this.#from = this.#drawing && this.#pointers.size === 1 ? this.#onPicture(...this.#at(event)) : null;
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      return;
    }
    const now = this.#at(event);
    const other = [...this.#pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.#pointers.set(event.pointerId, now);
    if (this.#from && !other) {
      this.#stretch(this.#onPicture(...now));
      return;
    }
    const parts = other ? 2 : 1; // of two fingers each moves the picture half as far
    this.#x += (now[0] - before[0]) / parts;
    this.#y += (now[1] - before[1]) / parts;
    if (other) {
      const apart = (one) => Math.max(1, Math.hypot(one[0] - other[0], one[1] - other[1]));
      this.zoom(apart(now) / apart(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      this.#fit = null;
      this.#draw();
    }
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
    const drawn = this.#from && this.#drawing;
    this.#from = null;
    if (drawn && event.type === "pointerup" && drawn.w >= SMALLEST && drawn.h >= SMALLEST) {
      this.#take();
    }
  }

  #stretch([x, y]) {
    const [fx, fy] = this.#from;
    this.#drawing = { x: Math.min(x, fx), y: Math.min(y, fy), w: Math.abs(x - fx), h: Math.abs(y - fy) };
    this.#place(this.#ghost, this.#drawing);
  }

  // ---- keys, while the viewer has the focus ----

  #key(event) {
    const arrow = ARROWS[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || (!arrow && !(this.#drawing && (event.key === "Enter" || event.key === "Escape")))) {
      return;
    }
    event.preventDefault();
    if (!arrow) {
      return event.key === "Enter" ? this.#take() : this.#stop();
    }
    if (this.#drawing) {
      return this.#nudge(this.#rotate(...arrow, -this.#turns), event.shiftKey);
    }
    this.#fit = null;
    this.#x -= arrow[0] * PAN;
    this.#y -= arrow[1] * PAN;
    this.#draw();
  }

  #nudge([dx, dy], stretch) {
    const { x, y, w, h } = this.#drawing;
    this.#drawing = stretch
      ? { x, y, w: clamp(w + dx * STEP, STEP, SIDE - x), h: clamp(h + dy * STEP, STEP, SIDE - y) }
      : { x: clamp(x + dx * STEP, 0, SIDE - w), y: clamp(y + dy * STEP, 0, SIDE - h), w, h };
    this.#place(this.#ghost, this.#drawing);
  }

  #take() {
    const drawn = Object.fromEntries(Object.entries(this.#drawing).map(([side, value]) => [side, Math.round(value)]));
    this.#stop();
    this.#tell("drawn", drawn);
  }

  #stop() {
    if (this.#drawing) {
      this.#drawing = this.#from = null;
      this.#ghost.remove();
      this.toggleAttribute("drawing", false);
      this.#tell("drawing", { on: false });
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("bf-page", BfPage);
