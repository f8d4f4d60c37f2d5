/* How the site's search finds and orders its results; Sphinx puts this file into its search script.

   Sphinx shows the pages that have every word of a query, all with the same score and sorted by name.
   A question then finds nothing because of one word, or decisions and the outputs of tutorials,
   which have every word. Here rare words count more, some of the words are enough, headings and terms
   of the glossary are found by their words, and pages that explain come before pages that record. */

const FOLDERS = { "how-to": 2, explanation: 2, reference: 1, tutorials: -4, decisions: -8, changelog: -20 };
const HEADING = 20;
const OPTION = 6;
/* How much of a heading and a query must be the same words; below this, headings match by chance. */
const LEAST_ALIKE = 0.4;
/* A heading on more pages than this, such as "Columns", is part of a form and answers nothing. */
const MOST_PLACES = 5;

const query = new URLSearchParams(window.location.search).get("q") ?? "";
/* "fail-on" means an option of a command, "profile" rarely does. */
const wantsOption = query.includes("-");

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

const setIndex = Search.setIndex;

Search.setIndex = (index) => {
  for (const [heading, places] of Object.entries(index.alltitles)) {
    if (places.length > MOST_PLACES) delete index.alltitles[heading];
  }
  setIndex(index);
};

const findPages = Search.performTermsSearch;

Search.performTermsSearch = (words, excluded) => [
  ...pagesWithMostOf(words, excluded),
  ...headingsLike(query),
];

function pagesWithMostOf(words, excluded) {
  const pages = new Map();
  const found = new Map();
  let weights = 0;
  for (const word of words) {
    const weight = rarity(word);
    weights += weight;
    for (const result of findPages(new Set([word]), excluded)) {
      const page = pages.get(result[0]) ?? result.with(4, 0);
      page[4] += weight * pointsOf(result);
      pages.set(result[0], page);
      found.set(result[0], (found.get(result[0]) ?? 0) + weight);
    }
  }
  const results = [...pages.values()];
  results.forEach((page) => (page[4] /= weights));
  const best = Math.max(...results.map((page) => page[4]));
  const hasAll = (page) => found.get(page[0]) > 0.99 * weights;
  return results.filter((page) => page[4] > best / 2 || hasAll(page));
}

/* The title of a decision names its subject, but other pages answer questions about it. */
function pointsOf([page, , , , score]) {
  return page.startsWith("decisions/") ? Math.min(score, Scorer.term) : score;
}

function headingsLike(text) {
  const { alltitles, docnames, filenames, indexentries, titles } = Search._index;
  const wanted = wordsOf(text);
  const glossary = docnames.indexOf("explanation/glossary");
  const results = [];
  for (const [heading, places] of [alltitles, indexentries].flatMap(Object.entries)) {
    const alike = likeness(wanted, wordsOf(heading));
    if (alike < LEAST_ALIKE) continue;
    const isHeading = heading in alltitles;
    for (const [page, anchor] of places) {
      if (!isHeading && page !== glossary) continue;
      const isPage = titles[page] === heading || !isHeading;
      const title = isPage ? titles[page] : `${titles[page]} > ${heading}`;
      const link = anchor === null ? "" : `#${anchor}`;
      const score = Scorer.title * alike + (isPage ? 1 : 0);
      const kind = SearchResultKind.title;
      results.push([docnames[page], title, link, null, score, filenames[page], kind]);
    }
  }
  return results;
}

/* The share of two sets that both have: 0 to 1, where rare words weigh more. */
function likeness(wanted, words) {
  const common = [...wanted].filter((word) => words.has(word));
  return (2 * weightOf(common)) / (weightOf(wanted) + weightOf(words) || 1);
}

function weightOf(words) {
  return [...words].reduce((sum, word) => sum + rarity(word), 0);
}

function rarity(word) {
  const { docnames, terms } = Search._index;
  const pages = Object.hasOwn(terms, word) ? [terms[word]].flat().length : 1;
  return Math.log(1 + docnames.length / pages);
}

function wordsOf(text) {
  const stemmer = new Stemmer();
  const words = splitQuery(text.toLowerCase()).filter((word) => !stopwords.has(word));
  return new Set(words.map((word) => stemmer.stemWord(word)));
}
