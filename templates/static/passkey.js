// Passkeys: for a form with data-passkey="register|sign-in|sign|touch" and data-options-url, ask the server for options, let
// the person's device answer, and send the answer with the form. The device's key never leaves it.

const WORDS = {
  register: "Follow your device to make a passkey…",
  "sign-in": "Follow your device to sign in…",
  sign: "Follow your device to sign…",
  touch: "Follow your device to confirm…",
};
const FAILED = {
  NotAllowedError: "Your device did not confirm, or it took too long. Nothing was sent. Try again.",
  InvalidStateError: "This device already holds a passkey for this account.",
  SecurityError: "Passkeys do not work at this address. Use the site's full name, over a secure connection.",
  NotSupportedError: "This device cannot make the kind of passkey we need.",
  AbortError: "Stopped. Nothing was sent.",
};

for (const form of document.querySelectorAll("form[data-passkey]")) form.addEventListener("submit", begin);

// A page brought back by the browser's Back button may ask again.
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    delete form.dataset.busy;
    kept(form).value = "";
  }
});

async function begin(event) {
  const form = event.currentTarget;
  const kind = form.dataset.passkey;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "yes";
  try {
    if (!window.PublicKeyCredential) throw new Error("This browser has no passkeys. Use another browser or device.");
    say(form, WORDS[kind]);
    const options = await fetchOptions(form);
    const credential =
      kind === "register"
        ? await navigator.credentials.create({ publicKey: creationOptions(options) })
        : await navigator.credentials.get({ publicKey: requestOptions(options) });
    if (!credential) throw new Error("Your device gave no answer. Try again.");
    kept(form).value = JSON.stringify(asJSON(credential));
    // A field of what was typed may be called like this method.
    HTMLFormElement.prototype.submit.call(form);
  } catch (error) {
    kept(form).value = "";
    delete form.dataset.busy;
    say(form, FAILED[error.name] ?? error.message, true);
  }
}

// The field that the device's answer goes into.
function kept(form) {
  return form.querySelector(`input[name="${form.dataset.passkeyField}"]`);
}

async function fetchOptions(form) {
  const fields = new FormData(form);
  fields.delete(form.dataset.passkeyField);
  let answer;
  try {
    answer = await fetch(form.dataset.optionsUrl, {
      method: "POST",
      headers: { "X-CSRF-Token": fields.get("csrf_token") ?? "", Accept: "application/json" },
      body: new URLSearchParams(fields),
    });
  } catch {
    throw new Error("We could not be reached. Check your connection, then try again.");
  }
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail || "We could not start. Load the page again, then try again.");
  // Both the bare options and { publicKey: options } are in use among servers.
  return told.publicKey ?? told;
}

function creationOptions(options) {
  if (PublicKeyCredential.parseCreationOptionsFromJSON) return PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map((each) => ({ ...each, id: bytes(each.id) })),
  };
}

function requestOptions(options) {
  if (PublicKeyCredential.parseRequestOptionsFromJSON) return PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: (options.allowCredentials ?? []).map((each) => ({ ...each, id: bytes(each.id) })),
  };
}

function asJSON(credential) {
  const told = typeof credential.toJSON === "function" ? credential.toJSON() : written(credential);
  // What extensions answer is not asked for and may hold a secret (prf, largeBlob): it never leaves the browser.
  delete told.clientExtensionResults;
  return told;
}

function written(credential) {
  const { response } = credential;
  const told = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    told.attestationObject = text(response.attestationObject);
    told.transports = response.getTransports?.() ?? [];
  } else {
    told.authenticatorData = text(response.authenticatorData);
    told.signature = text(response.signature);
    if (response.userHandle) told.userHandle = text(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    response: told,
  };
}

// base64url, without padding (RFC 4648 section 5)
function bytes(written) {
  const plain = atob(written.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function say(form, words, failed = false) {
  const place = form.querySelector("[data-passkey-words]");
  place.toggleAttribute("data-failed", failed);
  place.textContent = words;
}
