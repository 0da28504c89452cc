// On paper nothing can be opened: solutions and folded answers are printed whole, and fold again afterwards.
(() => {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    opened.forEach((fold) => (fold.open = true));
  });
  window.addEventListener("afterprint", () => opened.splice(0).forEach((fold) => (fold.open = false)));
})();
