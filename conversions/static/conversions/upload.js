// Shows how far an upload is, every second; loads the page anew when the next step has begun.
document.addEventListener("DOMContentLoaded", () => {
  const frame = document.querySelector("[data-progress-url]");
  if (!frame) return;
  const bar = frame.querySelector("[data-bar]");
  const rows = frame.querySelector("[data-rows]");

  const show = (progress) => {
    if (progress.state !== frame.dataset.state) return location.reload();
    rows.textContent = progress.rows;
    bar.classList.toggle("upload-bar-unknown", progress.percent === null);
    bar.style.width = progress.percent === null ? "" : `${progress.percent}%`;
    setTimeout(ask, 1000);
  };
  const ask = () =>
    fetch(frame.dataset.progressUrl, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
      .then(show)
      .catch(() => setTimeout(ask, 5000));
  setTimeout(ask, 1000);
});
