// Pages are whole without this: it shows answers while one asks, completes names, and keeps what is
// still going on up to date.
'use strict';

const every = (selector, root = document) => [...root.querySelectorAll(selector)];

// Takes an element of another page's in place of the one here, where they are not the same.
const replace = (id, page) => {
  const [here, there] = [document, page].map((one) => one.getElementById(id));
  if (here && there && here.innerHTML !== there.innerHTML) here.innerHTML = there.innerHTML;
};

// The page at an address, whatever its status; null where it cannot be had.
const page = async (address, signal) => {
  try {
    const answer = await fetch(address, { signal, headers: { Accept: 'text/html' } });
    const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
    found.failed = !answer.ok;
    return found;
  } catch {
    return null;
  }
};

// Forms that answer while one asks.
for (const form of every('form[data-live]')) {
  let waiting, asked;
  const ask = async () => {
    const items = [...new FormData(form)].filter(([, value]) => value !== '');
    const address = form.getAttribute('action') + '?' + new URLSearchParams(items);
    asked?.abort();
    asked = new AbortController();
    const target = document.getElementById(form.dataset.live);
    target.classList.add('busy');
    const answer = await page(address, asked.signal);
    if (!answer) return;
    // What is another page, or asks within other bounds, is gone to.
    const bounds = (root) => every('input[type=range]', root).map((one) => one.max).join();
    if (!answer.getElementById(target.id)
      || bounds(form) !== bounds(answer.getElementById(form.id) ?? form)) {
      return location.assign(address);
    }
    target.classList.remove('busy');
    replace(form.dataset.live, answer);
    const [here, there] = [document, answer].map((one) => one.querySelector('main > footer'));
    if (here && there) here.replaceWith(there);
    every('.problem', form).forEach((one) => one.remove());
    const problem = answer.querySelector('form .problem');
    for (const input of every('input', form)) {
      const isWrong = problem && answer.getElementById(input.id)?.hasAttribute('aria-invalid');
      input.toggleAttribute('aria-invalid', Boolean(isWrong));
      if (isWrong) input.after(problem);
    }
    history.replaceState(null, '', address);
  };
  form.addEventListener('input', (event) => {
    // A condition is asked once it is whole.
    if (event.target.type === 'text') return;
    clearTimeout(waiting);
    waiting = setTimeout(ask, 60);
  });
  form.addEventListener('change', ask);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask();
  });
}

// A slider's number beside it; where it picks among families it takes any strategy's place.
for (const slider of every('input[type=range]')) {
  const label = document.querySelector(`label[for="${slider.id}"]`);
  const shown = document.createElement('output');
  const text = label.textContent;
  const show = () => {
    shown.textContent = slider.value;
    label.replaceChildren(text, ': ', shown);
    slider.setAttribute('aria-valuetext', slider.value);
  };
  show();
  slider.addEventListener('input', () => {
    const other = slider.form.elements.strategy;
    if (other) other.value = '';
    show();
  });
}

// A budget may be slid to: as far as the dearest run.
const slide = (input) => {
  const most = Number(input.dataset.slider);
  if (!(most > 0) || input.nextElementSibling?.type === 'range') return;
  const slider = document.createElement('input');
  const given = parseFloat(input.value);
  const place = given > 0 && most > 1 ? Math.round(100 * Math.log(given) / Math.log(most)) : 100;
  Object.assign(slider, { type: 'range', min: 0, max: 100, value: place });
  slider.setAttribute('aria-label', 'Budget');
  const value = () => (most > 1 ? most ** (slider.value / 100) : most * slider.value / 100);
  slider.addEventListener('input', () => {
    input.value = slider.value === '100' ? '' : Number(value().toPrecision(3));
    slider.setAttribute('aria-valuetext', input.value || 'none');
  });
  input.after(slider);
};
every('input[data-slider]').forEach(slide);

// Completion of names within a condition or a list.
for (const input of every('input[data-complete]')) {
  const names = every('option', document.getElementById(input.dataset.complete))
    .map((option) => option.textContent);
  const list = document.createElement('ul');
  Object.assign(list, { className: 'names', id: `${input.id}-names`, hidden: true });
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Names');
  input.after(list);
  const set = (values) => Object.entries(values).forEach(([key, value]) => input.setAttribute(key, value));
  set({
    role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': list.id,
  });
  let chosen = -1;
  const word = () => input.value.slice(0, input.selectionStart).match(/[A-Za-z_.][\w.]*$/)?.[0] ?? '';
  const close = () => {
    list.hidden = true;
    chosen = -1;
    set({ 'aria-expanded': 'false' });
    input.removeAttribute('aria-activedescendant');
  };
  const choose = (index) => {
    chosen = index;
    every('li', list).forEach((item, i) => {
      item.setAttribute('aria-selected', i === index);
      if (i === index) item.scrollIntoView({ block: 'nearest' });
    });
    set({ 'aria-activedescendant': `${list.id}-${index}` });
  };
  const take = (name) => {
    const end = input.selectionStart;
    const start = end - word().length;
    input.setRangeText(name, start, end, 'end');
    close();
    input.focus();
  };
  const show = () => {
    const begun = word().toLowerCase();
    const quotes = input.value.slice(0, input.selectionStart).split("'").length - 1;
    const found = begun && quotes % 2 === 0
      ? names.filter((name) => name.toLowerCase().includes(begun) && name.toLowerCase() !== begun)
        .sort((a, b) => b.toLowerCase().startsWith(begun) - a.toLowerCase().startsWith(begun))
        .slice(0, 40)
      : [];
    if (!found.length) return close();
    list.replaceChildren(...found.map((name, i) => {
      const item = document.createElement('li');
      Object.assign(item, { id: `${list.id}-${i}`, textContent: name });
      item.setAttribute('role', 'option');
      item.setAttribute('aria-selected', 'false');
      item.addEventListener('mousedown', (event) => {
        event.preventDefault();
        take(name);
      });
      return item;
    }));
    list.hidden = false;
    chosen = -1;
    set({ 'aria-expanded': 'true' });
  };
  input.addEventListener('input', show);
  input.addEventListener('blur', close);
  input.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    const count = list.children.length;
    if (event.key === 'ArrowDown') choose((chosen + 1) % count);
    else if (event.key === 'ArrowUp') choose((chosen - 1 + count) % count);
    else if ((event.key === 'Enter' || event.key === 'Tab') && chosen >= 0) {
      take(list.children[chosen].textContent);
    } else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  });
}

// What is dear to make is asked for when it is opened.
for (const details of every('details[data-load]')) {
  details.addEventListener('toggle', async () => {
    const place = details.querySelector('p');
    place.classList.add('busy');
    const part = (await page(details.dataset.load))?.getElementById('answer');
    place.classList.remove('busy');
    if (part) place.replaceWith(...part.children);
  }, { once: true });
}

// What a reader has done to a part of the page: what has the focus, is ticked, or is open.
const name = (one) => one && (one.id || one.getAttribute('href') || one.value || one.textContent);
const doings = (part) => ({
  ticked: every('input:checked', part).map(name),
  open: every('details[open] > summary', part).map(name),
  focus: part.contains(document.activeElement) ? name(document.activeElement) : null,
});
const redo = (part, { ticked, open, focus }) => {
  every('input[type=checkbox]', part).forEach((one) => { one.checked = ticked.includes(name(one)); });
  every('details', part)
    .forEach((one) => { if (open.includes(name(one.querySelector('summary')))) one.open = true; });
  if (focus) every('a, input, summary', part).find((one) => name(one) === focus)?.focus();
};

// What goes on, or may change with the file, is asked for again while somebody looks. Who writes is
// left alone, and a change is not read out unasked.
const main = document.querySelector('main[data-refresh]');
if (main) {
  const state = async () => {
    try {
      return await (await fetch('/api/v1/state')).text();
    } catch {
      return null;
    }
  };
  let known;
  const again = async () => {
    const id = document.getElementById('answer') ? 'answer' : 'main';
    const here = document.getElementById(id);
    const writes = here.contains(document.activeElement)
      && document.activeElement.matches('input:not([type=checkbox]), select');
    if (!document.hidden && !writes) {
      const now = await state();
      if (now !== null && ('live' in main.dataset || now !== known)) {
        const answer = await page(location.href);
        // What was asked wrongly is said in the form.
        if (answer?.querySelector('form .problem')) return location.reload();
        if (answer?.querySelector('main')) {
          const before = doings(here);
          here.setAttribute('aria-live', 'off');
          replace(id, answer);
          redo(here, before);
          const isLive = 'live' in answer.querySelector('main').dataset;
          main.toggleAttribute('data-live', isLive);
          // What has gone may come again.
          if (answer.failed) {
            known = null;
            return setTimeout(again, 2000);
          }
          known = now;
          // What a page asks and could not know before its answer was made.
          for (const one of every('input[data-slider]', answer)) {
            const input = document.getElementById(one.id);
            if (input && input.dataset.slider !== one.dataset.slider) {
              input.dataset.slider = one.dataset.slider;
              slide(input);
            }
          }
          const { refresh } = answer.querySelector('main').dataset;
          if (refresh === undefined) return delete main.dataset.refresh;
          main.dataset.refresh = refresh;
        }
      }
    }
    setTimeout(again, Number(main.dataset.refresh));
  };
  state().then((now) => {
    known = now;
    setTimeout(again, Number(main.dataset.refresh));
  });
}
