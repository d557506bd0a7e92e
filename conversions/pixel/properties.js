/* What a page says of an event, read as conversions/page_properties.py reads it, so that the Pixel can be told at once.
 * Whatever might be read otherwise there (an odd number, a text that may hold personal data) throws UNSURE, and then the
 * server is asked first. */

const UNSURE = "unsure";
const PLAIN_NUMBER = /^\d{1,9}(\.\d\d?)?$/;
const PLAIN_TEXT = /^[^\0-\x1f\x7f-\xa0@=:%+\u1680\u2000-\u206f\u3000\ud800-\uf8ff\ufeff]{1,200}$/;
const MOST = 50;

function readNumber(given) {
  if (Array.isArray(given) || !PLAIN_NUMBER.test(given)) throw UNSURE;
  return Number(given);
}

function readText(given) {
  if (typeof given == "number") readNumber(given);
  else if (typeof given != "string" || !PLAIN_TEXT.test(given)) throw UNSURE;
  return String(given).trim();
}

function readCount(given) {
  const count = readNumber(given);
  return count % 1 || count < 1 || count > 1e6 ? "" : count;
}

const readType = (given) => (["product", "product_group"].includes(given) ? given : "");

const readList = (read) => (given) => [given].flat().slice(0, MOST).map(read).filter(Boolean);

function readContent(given) {
  if (!isObject(given)) return null;
  const content = readMembers(given, CONTENT_READERS);
  return content.content_id ? content : null;
}

const CONTENT_READERS = {
  content_id: readText,
  content_name: readText,
  content_category: readText,
  brand: readText,
  price: readNumber,
  quantity: readCount,
};
const READERS = {
  contents: readList(readContent),
  content_ids: readList((given) => isGiven(given) && readText(given)),
  content_type: readType,
  description: readText,
  search_string: readText,
  order_id: readText,
  num_items: readCount,
};

const SAVED = { ...READERS, value: 0, currency: 0 };

const isObject = (given) => given !== null && typeof given == "object" && !Array.isArray(given);
const isGiven = (given) => given !== undefined && given !== null && given !== "";

function readMembers(given, readers) {
  const read = Object.keys(readers).filter((name) => isGiven(given[name])).map((name) => [name, readers[name](given[name])]);
  return Object.fromEntries(read.filter(([, value]) => value !== "" && value.length !== 0));
}

/* Value and currency of the page. A value without a currency is in the offer's, the one that TikTok is known to take. */
function readMoney(given, offersCurrency) {
  if (!isGiven(given.value)) return {};
  const value = readNumber(given.value);
  const currency = String(given.currency || offersCurrency).toUpperCase();
  if (currency != config.currency) throw UNSURE;
  return { value, currency };
}

/* What both legs tell of the event: its fixed value, or the page's where the rule takes none from the network. */
function toldOf(event, given, offersCurrency) {
  const others = readMembers(given, READERS);
  if (isObject(event.value)) return { ...others, ...event.value };
  return event.value == "page" ? { ...others, ...readMoney(given, offersCurrency) } : others;
}

/* The properties as the server will get them. */
function plain(given) {
  const copy = attempt(() => JSON.parse(JSON.stringify(given)));
  return isObject(copy) ? copy : {};
}
