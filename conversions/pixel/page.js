/* What the scripts of several offers share on one page: `window.tracking`, an array of calls until the first one comes.
 * Where the page has something else of that name, ours is `window.trackingHub`. */

const ME = document.currentScript;
const HUB = "trackingHub";
const LASTING = ["state", "consent", "tcf", "fired", "event"];
const hub = [window.tracking, window[HUB]].find((found) => found && found.kind == HUB) || makeHub(window.tracking);

function makeHub(found) {
  const isQueue = Array.isArray(found);
  const hub = { kind: HUB, offers: {}, calls: (isQueue ? found : []).filter(Array.isArray), push };
  const isComplete = () => document.readyState == "complete";
  const isLasting = ([method]) => LASTING.includes(method);
  /* Scripts that come with the page get all calls; later ones get no person's data, and no list that grows. */
  const tidy = () => (hub.calls = hub.calls.filter(isLasting));
  function push(...more) {
    for (const call of more.filter(Array.isArray).map((each) => [...each])) {
      if (!isComplete() || isLasting(call)) hub.calls.push(call);
      Object.values(hub.offers).forEach((offer) => offer.receive(call));
    }
  }
  for (const name of ["track", "identify", "consent", "tcf"]) hub[name] = (...values) => push([name, ...values]);
  hub.link = (query, name) => {
    const offer = hub.offers[name] || Object.values(hub.offers)[0];
    return offer ? offer.link(query) : "";
  };
  if (isComplete()) setTimeout(tidy, 10000);
  else addEventListener("load", tidy);
  if (!("track" in window)) window.track = hub.track;
  return (window[isQueue || !found ? "tracking" : HUB] = hub);
}
