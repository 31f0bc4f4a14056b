#!/usr/bin/env bash
# Opens a page in a real browser, as wide as a desk's and as a phone's, light and dark, and exits
# with 1 if it is not readable there:
#
#   page_in_browser.sh PAGE.html
#
# It is readable if nothing scrolls the page sideways or sticks out of it, each figure has one
# picture of its chart with letters of 11 pixels or more, the schemes differ, the page fetches
# nothing, and the console stays empty. Without chromium the script says so and exits with 77.
set -euo pipefail
page=$(readlink -f "$1")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] ||
  { echo "skipped: chromium is not installed (apt-get install chromium)"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A copy of the page that tells the page around it how it looks.
cat >"$work/probe.js" <<'PROBE'
const wrong = [];
addEventListener('error', (event) => {  // of scripts, and of what cannot be fetched
  wrong.push(`an error: ${event.message || event.target.outerHTML}`);
}, true);
addEventListener('load', () => {
  const width = document.documentElement.clientWidth;
  const scrolled = document.documentElement.scrollWidth;
  if (scrolled > width) wrong.push(`the page is ${scrolled} pixels wide`);
  const visible = (element) => element.getClientRects().length > 0;
  const name = (element) => element.tagName + ' "' + element.textContent.trim().slice(0, 40) + '"';
  for (const element of document.querySelectorAll('body *')) {
    if (!visible(element) || element.closest('.scroll')) continue;
    const box = element.getBoundingClientRect();
    if (box.right > width + 1 || box.left < -1) {
      wrong.push(`${name(element)} reaches from ${box.left} to ${box.right}`);
    }
  }
  for (const figure of document.querySelectorAll('figure')) {
    const charts = [...figure.querySelectorAll('svg.chart')];
    const shown = charts.filter(visible).length;
    if (charts.length > 0 && shown !== 1) wrong.push(`${shown} pictures in ${name(figure)}`);
  }
  let letters = 0;
  for (const text of document.querySelectorAll('svg.chart text')) {
    if (!visible(text)) continue;
    const svg = text.closest('svg');
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const size = parseFloat(getComputedStyle(text).fontSize) * scale;
    letters += 1;
    if (size < 11) wrong.push(`${name(text)} is ${size} pixels high`);
  }
  const fetched = performance.getEntriesByType('resource').length;
  if (fetched > 0) wrong.push(`${fetched} files were fetched`);
  const paper = getComputedStyle(document.body).backgroundColor;
  parent.postMessage(`width ${width}\nletters ${letters}\npaper ${paper}\n` +
                     wrong.slice(0, 5).map((what) => 'WRONG ' + what + '\n').join('') + 'end', '*');
});
PROBE
awk -v probe="$work/probe.js" '
  /<\/head>/ { print "<script>"; while ((getline line < probe) > 0) print line; print "</script>" }
  { print }' "$page" >"$work/page.html"

look() {  # width scheme
  cat >"$work/frame.html" <<FRAME
<!DOCTYPE html><html><head><meta charset="utf-8"></head><body><pre id="said"></pre>
<script>
addEventListener('message', (e) => { document.getElementById('said').textContent = e.data; });
</script>
<iframe src="page.html" style="width:$1px;height:1000px;border:0"></iframe></body></html>
FRAME
  local profile scheme=1
  profile=$(mktemp -d -p "$work")
  [ "$2" = dark ] && scheme=0
  timeout 90 "$browser" --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-dev-shm-usage --hide-scrollbars --user-data-dir="$profile" --window-size=1400,1100 \
    --blink-settings=preferredColorScheme=$scheme --enable-logging=stderr \
    --virtual-time-budget=10000 --dump-dom "file://$work/frame.html" \
    >"$work/dom" 2>"$work/log" || { echo "$browser failed:"; tail -5 "$work/log"; exit 1; }
  sed -n '/<pre id="said">/,/<\/pre>/p' "$work/dom" | sed 's/.*<pre id="said">//' >"$work/said"
}

failed=0
declare -A paper
for width in 1280 390; do
  for scheme in light dark; do
    look $width $scheme
    if ! grep -q '^end' "$work/said" || ! grep -qx "width $width" "$work/said"; then
      echo "$width pixels, $scheme: the page did not say how it looks"
      cat "$work/said"
      tail -5 "$work/log"
      failed=1
      continue
    fi
    paper[$scheme]=$(sed -n 's/^paper //p' "$work/said")
    texts=$(sed -n 's/^letters //p' "$work/said")
    echo "$width pixels, $scheme: $texts texts in charts, paper ${paper[$scheme]}"
    if grep '^WRONG' "$work/said"; then failed=1; fi
    if grep 'CONSOLE' "$work/log"; then failed=1; fi
  done
done
if [ "${paper[light]:-}" = "${paper[dark]:-}" ]; then
  echo "light and dark are the same"
  failed=1
fi
exit $failed
