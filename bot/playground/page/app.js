// The page: who you are, where you are, and what comes in from the stand-in.

import { hush } from "./announce.js";
import { offersApps, openApps } from "./apps.js";
import { clearComposer, labelComposer, startComposer } from "./composer.js";
import { byId, el, unseen } from "./dom.js";
import { clearFeed, focusNewest, notice, placeMessage, recentMessages, removeMessage, showHistory, startFeed } from "./feed.js";
import { drawCommands, startForm } from "./form.js";
import { drawKnobs, loadKnobs } from "./knobs.js";
import { commandTitle } from "./messages.js";
import { openModal, startModal } from "./modal.js";
import { act, ask, here } from "./server.js";

const AUTOCOMPLETE = 4;
const FIRST_PAUSE = 500, LONGEST_PAUSE = 5000;
const WIDE = matchMedia("(min-width: 64rem)");
const PANELS = ["command", "knobs"];

// `held` keeps what happens while the history is on its way; null when nothing is on its way. `read` is the newest
// message that was seen of each person's direct messages.
const state = { scene: null, socket: null, pause: FIRST_PAUSE, unread: new Set(), read: new Map(), held: null };

// ---- where we are ------------------------------------------------------------------------------------------------

const whereNow = () => `${here.user}/${here.channel}`;

async function loadScene() {
  const asked = whereNow();
  const scene = await ask("scene");
  if (asked !== whereNow()) return;
  state.scene = scene;
  if (!placesOf(scene).some((one) => one.id === here.channel)) return leaveLostChannel();
  markUnheard();
  drawPeople();
  drawLanguages();
  drawChannels();
  drawBot(scene.bot);
  drawCommands(scene);
  byId("messages").classList.toggle("has-apps", offersApps(scene));
  loadKnobs(scene, recentMessages);
}

const placesOf = (scene) => [...scene.channels, scene.direct].filter(Boolean);

const titleOf = (place) => (place.recipients ? place.name : `#${place.name}`);

const addressOf = (place) => (place.recipients ? "@me" : place.name);

// While another person was shown, nothing was heard of what came here.
function markUnheard() {
  const { direct } = state.scene;
  if (direct?.newest && direct.id !== here.channel && state.read.get(direct.id) !== direct.newest) state.unread.add(direct.id);
}

function leaveLostChannel() {
  const lost = byId("channel-name").textContent;
  enter(here.user, state.scene.channels[0].id);
  byId("status").textContent = lost ? `${lost} was deleted.` : "";
}

function enter(user, channel) {
  if (state.scene.direct?.id === here.channel) state.read.set(here.channel, recentMessages()[0]?.id);
  here.user = user;
  here.channel = channel;
  state.unread.delete(channel);
  clearFeed();
  clearComposer();
  hush();
  connect();
}

function rememberPlace() {
  const place = placesOf(state.scene).find((one) => one.id === here.channel);
  history.replaceState(null, "", `#${here.user}/${addressOf(place)}`);
}

async function loadMessages() {
  const asked = whereNow();
  const found = await ask("messages");
  if (asked !== whereNow()) return;
  showHistory(found, state.scene, actions);
  const held = state.held ?? [];
  state.held = null;
  held.forEach(receive);
}

function drawPeople() {
  const wasInside = byId("people").contains(document.activeElement);
  const radios = state.scene.playable.map((user) => {
    const name = state.scene.people.find((one) => one.username === user).name;
    const radio = el("input", { type: "radio", name: "person", value: user, checked: user === here.user });
    radio.addEventListener("change", () => enter(user, commonPlace()));
    return el("label", {}, radio, el("span", {}, name, " ", el("small", {}, state.scene.parts[user])));
  });
  byId("people").replaceChildren(el("legend", {}, "You are"), ...radios);
  if (wasInside) byId("people").querySelector(":checked")?.focus();
}

function drawLanguages() {
  const { languages, locale } = state.scene;
  const nameOf = (one) => new Intl.DisplayNames([one], { type: "language" }).of(one);
  byId("language").replaceChildren(...languages.map((one) => el("option", { value: one, selected: one === locale }, nameOf(one))));
  byId("language-field").hidden = languages.length < 2;
}

async function speak() {
  const done = await act("language", { locale: byId("language").value });
  if (done.error) return fail(done.error);
  return loadScene();
}

// One person's direct messages are not another's.
const commonPlace = () => (state.scene.direct?.id === here.channel ? state.scene.channels[0].id : here.channel);

function drawChannels() {
  const now = placesOf(state.scene).find((one) => one.id === here.channel);
  const focused = byId("channels").contains(document.activeElement) ? document.activeElement.dataset.channel : null;
  byId("channels").replaceChildren(...placesOf(state.scene).map(channelRow));
  if (focused) byId("channels").querySelector(`[data-channel="${focused}"]`)?.focus();
  byId("channel-name").textContent = titleOf(now);
  labelComposer(now.recipients ? "the bot" : titleOf(now));
  byId("channel-topic").textContent = now.topic ?? "";
  byId("empty-hint").hidden = Boolean(now.recipients);
  rememberPlace();
}

function channelRow(channel) {
  const button = el("button", {
    type: "button", "data-channel": channel.id, "aria-current": channel.id === here.channel ? "page" : null,
    onclick: () => enter(here.user, channel.id),
  }, channel.parent_id ? unseen("Thread ") : "", titleOf(channel), state.unread.has(channel.id) ? unseen(" (new messages)") : "");
  button.classList.toggle("unread", state.unread.has(channel.id));
  return el("li", { class: channel.parent_id ? "thread" : null }, button);
}

function drawBot(bot) {
  const line = botLine(bot);
  byId("bot").textContent = line;
  byId("bot").dataset.state = line === "Bot online" ? "on" : "off";
}

function botLine(bot) {
  if (bot.notice) return bot.notice;
  if (bot.in_guild === false) return "Bot removed from the server";
  if (!bot.connected) return "Bot offline";
  return bot.synced ? "Bot online" : "Bot starting";
}

// ---- what is said and done -----------------------------------------------------------------------------------------

const actions = {
  async press(message, customId, values) {
    const done = await act("component", { message: message.id, custom_id: customId, values });
    if (done.error) fail(done.error);
  },
  menu: (message, button) => openApps(message, state.scene, button, button, fail),
};

function fail(text) {
  byId("status").textContent = "";
  if (text) notice(text);
}

// Links, pictures and marked words keep the browser's own menu.
byId("messages").addEventListener("contextmenu", (event) => {
  const node = event.target.closest(".message");
  if (!node || event.target.closest("a, img, audio") || !getSelection().isCollapsed) return;
  const point = { x: event.clientX, y: event.clientY };
  if (openApps(node.message, state.scene, point, node, fail)) event.preventDefault();
});

function follow(event) {
  if (event.kind === AUTOCOMPLETE) return;
  const running = event.name ? commandTitle(event.name, state.scene) : "Your action";
  if (event.failed) {
    fail(`${running}: the bot did not respond in time. Try again, or look at the bot's log.`);
  } else byId("status").textContent = event.acknowledged ? "" : `${running} was sent …`;
  if (event.modal) openModal(event, state.scene);
}

// ---- the line to the stand-in --------------------------------------------------------------------------------------

function connect() {
  state.socket?.close();
  const socket = new WebSocket(`${location.origin.replace("http", "ws")}/page/events?user=${here.user}`);
  state.socket = socket;
  state.held = [];
  const mine = (handler) => (event) => state.socket === socket && handler(event);
  socket.addEventListener("open", mine(async () => {
    state.pause = FIRST_PAUSE;
    await loadScene();
    await loadMessages();
  }));
  socket.addEventListener("message", mine((frame) => receive(JSON.parse(frame.data))));
  socket.addEventListener("close", mine(() => {
    drawBot({ notice: "The playground does not answer; trying again" });
    setTimeout(mine(connect), state.pause);
    state.pause = Math.min(state.pause * 2, LONGEST_PAUSE);
  }));
}

const receivers = {
  message: (event) => (event.message.channel_id === here.channel ? placeMessage(event.message, state.scene, actions) : markUnread(event.message)),
  gone: (event) => removeMessage(event.id),
  interaction: follow,
  bot: (event) => drawBot(event.bot),
  knobs: (event) => drawKnobs(event.knobs),
  commands: () => loadScene(),
  scene: () => loadScene(),
};

function receive(event) {
  // The history may be older than an event that overtakes it.
  if (state.held && (event.type === "message" || event.type === "gone")) state.held.push(event);
  else if (state.scene) receivers[event.type]?.(event);
}

function markUnread(message) {
  if (state.unread.has(message.channel_id)) return;
  state.unread.add(message.channel_id);
  drawChannels();
}

// ---- the panels ----------------------------------------------------------------------------------------------------

// Where there is room one of the two is always open; on a narrow page both may be closed.
function showPanel(name) {
  for (const one of PANELS) {
    byId(`${one}-panel`).hidden = one !== name;
    byId(`${one}-tab`).setAttribute("aria-expanded", String(one === name));
  }
}

function togglePanel(name) {
  const open = !byId(`${name}-panel`).hidden;
  showPanel(open && !WIDE.matches ? null : name);
}

// The work is to be seen in the channel, so a narrow page makes room for it.
function commandSent() {
  byId("see-newest").hidden = false;
  if (WIDE.matches) return;
  showPanel(null);
  focusNewest();
}

function startPanels() {
  byId("language").addEventListener("change", speak);
  byId("see-newest").addEventListener("click", focusNewest);
  for (const name of PANELS) byId(`${name}-tab`).addEventListener("click", () => togglePanel(name));
  WIDE.addEventListener("change", () => WIDE.matches && showPanel("command"));
  document.querySelector("[data-opens]").addEventListener("click", (event) => {
    event.preventDefault();
    showPanel("command");
    byId("command").focus();
  });
}

// ---- begin ---------------------------------------------------------------------------------------------------------

async function begin() {
  const [user, channel] = decodeURIComponent(location.hash.slice(1)).split("/");
  const scene = await ask("scene", {});
  here.user = scene.playable.includes(user) ? user : scene.playable[0];
  const places = placesOf(await ask("scene", { user: here.user }));
  here.channel = (places.find((one) => addressOf(one) === channel) ?? places[0]).id;
  startPanels();
  startFeed();
  startComposer(() => state.scene.upload_limit);
  startForm(commandSent);
  startModal(focusNewest);
  connect();
}

begin();
