// Talks to the stand-in as one person in one channel.

export const here = { user: "", channel: "" };

export async function ask(path, parameters = here) {
  const answer = await fetch(`page/${path}?${new URLSearchParams(parameters)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

// A refusal comes back as {error, field}; it is never thrown. File names may hold what no header may, so they are encoded.
export async function act(path, request, files = []) {
  const form = new FormData();
  form.append("request", JSON.stringify({ ...here, ...request }));
  for (const [name, file] of files) form.append(name, file, encodeURIComponent(file.name.toWellFormed()));
  let answer;
  try {
    answer = await fetch(`page/${path}`, { method: "POST", body: form });
  } catch {
    return { error: "The playground does not answer. Is it still running?" };
  }
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return { error: text || `The playground answered ${answer.status}.` };
  }
}
