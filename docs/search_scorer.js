/* How the site's search orders its results; Sphinx puts this file into its search script.

   A heading or a term of the glossary that has the whole query comes first, then pages. Sphinx gives
   all pages with one word of the query the same score and sorts them by name, so that decisions and
   the outputs of the tutorials, which have every word, would come before the page that explains it. */

const FOLDERS = { "how-to": 2, explanation: 2, reference: 1, tutorials: -4, decisions: -8 };
const HEADING = 20;
const OPTION = 6;
/* "fail-on" means an option of a command, "profile" rarely does. */
const wantsOption = (new URLSearchParams(window.location.search).get("q") ?? "").includes("-");

var Scorer = {
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
  score: ([page, , , , score, , kind]) => {
    const isOption = kind === SearchResultKind.index && !page.endsWith("glossary");
    if (isOption && !wantsOption) return OPTION;
    const bonus = kind === SearchResultKind.title ? HEADING : 0;
    return score + bonus + (FOLDERS[page.split("/")[0]] ?? 0);
  },
};
