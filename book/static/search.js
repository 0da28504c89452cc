// Sphinx indexes Chinese words but leaves a query such as 推荐系统 in one piece: cut it by longest match against the index.
// Overrides the search page's default splitter, which knows white space and punctuation only.
var splitQuery = function (query) {
  const known = (word) => word in Search._index.terms || word in Search._index.titleterms;
  const pieces = query.match(/[\p{Script=Han}]+|(?:(?!\p{Script=Han})[\p{Letter}\p{Number}_])+/gu) || [];
  return pieces.flatMap((piece) => {
    if (!/\p{Script=Han}/u.test(piece) || !Search._index) return [piece];
    const words = cut(piece, known);
    return words.some(known) ? words : cut(simplified(piece), known);
  });
};

// A query in traditional characters, which no page uses, in simplified ones; the table comes with the search page.
function simplified(text) {
  const [from, to] = typeof TRADITIONAL === "undefined" ? ["", ""] : TRADITIONAL;
  return [...text].map((char) => (from.includes(char) ? to[from.indexOf(char)] : char)).join("");
}

// Known words of a run of Chinese characters; single characters are in no index and are left out, longer unknown runs stay.
function cut(run, known) {
  const words = [];
  let unknown = "";
  for (let start = 0; start < run.length; ) {
    let end = run.length;
    while (end > start + 1 && !known(run.slice(start, end))) end -= 1;
    if (end > start + 1) {
      words.push(unknown, run.slice(start, end));
      unknown = "";
    } else {
      unknown += run[start];
    }
    start = end;
  }
  const kept = [...words, unknown].filter((word) => word.length > 1);
  return kept.length ? kept : [run];
}
