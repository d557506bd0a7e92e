/* What the scripts of several offers share on one page: `window.tracking`, an array of calls until the first one comes. */

const ME = document.currentScript;
const hub = findHub(window.tracking);

function findHub(found) {
  return found && found.offers ? found : makeHub(Array.isArray(found) ? found : []);
}

function makeHub(calls) {
  const hub = { offers: {}, calls, push };
  function push(...more) {
    for (const call of more.map((each) => [...each])) {
      hub.calls.push(call);
      Object.values(hub.offers).forEach((offer) => offer.receive(call));
    }
  }
  for (const name of ["track", "identify", "consent", "tcf"]) hub[name] = (...values) => push([name, ...values]);
  hub.link = (query, offer) => (hub.offers[offer] || Object.values(hub.offers)[0]).link(query);
  if (!("track" in window)) window.track = hub.track;
  return (window.tracking = hub);
}
