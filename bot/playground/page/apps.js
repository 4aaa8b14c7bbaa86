// Context menus: the commands that the bot offers on a message and on a person.

import { openMenu } from "./menu.js";
import { act } from "./server.js";

const ON_PERSON = 2, ON_MESSAGE = 3;

export const offersApps = (scene) => scene.commands.some((one) => one.type === ON_PERSON || one.type === ON_MESSAGE);

// `place` is where the menu opens, `returnTo` gets the focus back; `fail(text)` shows a refusal.
export function openApps(message, scene, place, returnTo, fail) {
  const run = async (command, target) => {
    const done = await act("context", { command: command.name, type: command.type, target });
    if (done.error) fail(done.error);
  };
  const group = (title, type, target) => ({
    title,
    items: scene.commands.filter((one) => one.type === type).map((one) => ({ label: one.name, pick: () => run(one, target) })),
  });
  const groups = [
    // A message that only one person sees has no commands of its own.
    ...(message.visible_to === null ? [group("This message", ON_MESSAGE, message.id)] : []),
    ...peopleOf(message, scene).map((person) => group(person.name, ON_PERSON, person.id)),
  ].filter((one) => one.items.length);
  if (groups.length) openMenu(place, groups, "Apps", returnTo);
  return groups.length > 0;
}

function peopleOf(message, scene) {
  const ids = [message.author, message.interaction?.user, ...message.mentions].filter(Boolean).map((one) => one.id);
  return scene.people.filter((one) => ids.includes(one.id));
}
