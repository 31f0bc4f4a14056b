#include "tools/pages/document/style_sheet.h"

#include "absl/strings/str_cat.h"

namespace inlay::page {
namespace {

constexpr char kLightColours[] = R"(
  color-scheme: light;
  --paper: #fdfdfc; --raised: #f5f6f7; --ink: #191c20; --muted: #59616a; --rule: #dfe3e7;
  --grid: #e8ebee; --zero: #9aa2aa; --link: #0b5fc0; --shade: rgb(0 0 0 / .13); --good: #14743c;
  --bad: #b3261e;)";

constexpr char kDarkColours[] = R"(
  color-scheme: dark;
  --paper: #121518; --raised: #1a1e23; --ink: #e7eaed; --muted: #9ba4ad; --rule: #2c3238;
  --grid: #262b31; --zero: #5f6871; --link: #7fbcff; --shade: rgb(255 255 255 / .16);
  --good: #63c98b; --bad: #ff8f85;)";

// Of the elements of a Drawing that belong to no series, one rule a line.
constexpr char kDrawingRules[] = R"(
svg text { fill: var(--ink); }
svg .tick, svg .axis, svg .note { fill: var(--muted); font-size: 12px; }
svg .group { font-weight: 620; paint-order: stroke; stroke: var(--paper); stroke-width: 5px; }
svg .value { font-weight: 560; paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg .note { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; }
svg path { fill: none; }
svg .grid { stroke: var(--grid); }
svg .zero { stroke: var(--zero); }
svg .whisker { stroke: var(--ink); stroke-width: 1.25; opacity: .62; }
)";

// Of those that do.
constexpr char kSeriesRules[] = R"(
svg .bar { fill: var(--series); }
svg .area { fill: var(--series); opacity: .22; }
svg .line { stroke: var(--series); stroke-width: 2; stroke-linejoin: round; }
svg .dashed .line { stroke-dasharray: 5 3; }
svg .mark { fill: var(--series); stroke: var(--paper); stroke-width: 1; }
svg .hollow { fill: var(--paper); stroke: var(--series); stroke-width: 1.8; }
svg .leader { stroke: var(--series); stroke-width: 1; opacity: .5; }
svg .place { stroke: var(--series); stroke-width: 1.2; stroke-dasharray: 2 3; }
)";

// Of a picture beside its drawing.
constexpr char kPictureRules[] = R"(
text { font-family: sans-serif; font-size: 12.5px; }
.paper { fill: var(--paper); stroke: var(--rule); }
svg .head { font-size: 17px; font-weight: bold; }
)";

constexpr char kRules[] = R"(
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans",
  sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word;
}
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: .18em; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible {
  outline: 2px solid var(--link); outline-offset: 2px; border-radius: 2px;
}
code {
  font: .9em/1.4 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
.frame { max-width: 48rem; margin: 0 auto; padding: 2.5rem 1rem 4rem; }
header { margin-bottom: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; margin: 0; font-weight: 700; }
.subtitle { margin: .6rem 0 0; color: var(--muted); max-width: 60ch; }
h2 {
  font-size: 1.35rem; line-height: 1.3; letter-spacing: -.012em; margin: 0 0 .9rem;
  padding-top: 1.6rem; border-top: 1px solid var(--rule); font-weight: 650;
}
h3 { font-size: 1.05rem; line-height: 1.4; margin: 2.2rem 0 .5rem; font-weight: 650; }
section { margin-top: 3.2rem; scroll-margin-top: 1rem; }
main > section:first-child { margin-top: 1.6rem; }
p, ul { max-width: 68ch; margin: 0 0 1rem; }
ul { padding-left: 1.2rem; }
li { margin-bottom: .35rem; }
li::marker { color: var(--zero); }

nav ol { list-style: none; margin: 0; padding: 0; columns: 2; column-gap: 1.5rem; }
nav li { margin: 0; break-inside: avoid; }
nav a { display: block; padding: .3rem 0; color: var(--muted); text-decoration: none;
  font-size: .92rem; }
nav a:hover { color: var(--ink); }
nav h2 { all: unset; display: block; font-size: .78rem; font-weight: 600; color: var(--muted);
  text-transform: uppercase; letter-spacing: .07em; margin-bottom: .35rem; }

.verdict { margin-top: 1.2rem; padding: .1rem 0 .1rem 1.1rem; border-left: 4px solid var(--link); }
.verdict p { font-size: 1.06rem; line-height: 1.55; margin: 0 0 .55rem; max-width: 64ch;
  overflow-wrap: anywhere; }
.verdict p:first-child { font-size: 1.4rem; line-height: 1.3; font-weight: 650;
  letter-spacing: -.01em; }
.verdict p:last-child { margin-bottom: 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 0 0 1.6rem; padding: 0; list-style: none; max-width: none; }
.tiles li { background: var(--raised); border-radius: .6rem; padding: .85rem 1rem .9rem;
  margin: 0; }
.tiles .figure { font-size: 1.75rem; line-height: 1.2; font-weight: 680; letter-spacing: -.02em;
  white-space: nowrap; }
.tiles .unit { font-size: .9rem; font-weight: 500; color: var(--muted); letter-spacing: 0; }
.tiles .note { display: block; margin-top: .25rem; font-size: .86rem; line-height: 1.4;
  color: var(--muted); }

dl { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr);
  gap: .35rem 1.4rem; margin: 0 0 1.6rem; font-size: .93rem; }
dt { color: var(--muted); }
dd { margin: 0; min-width: 0; }

figure { margin: 1.8rem 0 2.4rem; }
figcaption { font-weight: 620; line-height: 1.4; margin-bottom: .9rem; }
svg.chart { display: block; width: 100%; height: auto; overflow: visible;
  font: 12.5px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums; margin-bottom: 1rem; }
svg.narrow { display: none; max-width: 30rem; }
svg.narrow .label { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
svg.key { vertical-align: -.08em; flex: none; overflow: visible; }
.legend { display: none; flex-wrap: wrap; gap: .3rem 1.1rem; list-style: none; padding: 0;
  margin: 0 0 .9rem; max-width: none; font-size: .84rem; }
.legend.always { display: flex; }
.legend li { display: flex; align-items: center; gap: .45rem; margin: 0; }

.scroll { overflow-x: auto; margin: 0 0 .7rem; scrollbar-width: thin;
  background:
    linear-gradient(to left, var(--paper) 40%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--shade), transparent) right / .8rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .87rem; line-height: 1.4; min-width: 100%; }
th, td { padding: .42rem .65rem; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
thead th { color: var(--muted); font-weight: 560; font-size: .82rem; line-height: 1.35;
  vertical-align: bottom; border-bottom-color: var(--zero); min-width: 3.6rem; }
tbody th { font-weight: 500; white-space: nowrap; }
tbody th, thead th:first-child { position: sticky; left: 0; background: var(--paper); }
td code { overflow-wrap: anywhere; }
tbody tr:last-child > * { border-bottom: 0; }
tbody tr:hover > * { background: var(--raised); }
.number { text-align: right; white-space: nowrap; }
thead .number { white-space: normal; }
td:not(.number) { min-width: 9rem; }
tbody th.keyed { padding-left: 1.35rem; }
th svg.key { position: absolute; left: 0; top: .78em; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
.aside { font-size: .86rem; line-height: 1.5; color: var(--muted); margin: 0 0 .6rem; }
details { font-size: .84rem; color: var(--muted); }
summary { cursor: pointer; width: fit-content; overflow-wrap: anywhere; }
pre { margin: .5rem 0 0; padding: .7rem .9rem; background: var(--raised); border-radius: .4rem;
  white-space: pre-wrap; overflow-wrap: anywhere; color: var(--ink); }
figure.code pre { margin: 0; white-space: pre; overflow-wrap: normal; width: max-content;
  min-width: 100%;
  font-size: .87rem; line-height: 1.5; tab-size: 4; }
footer { margin-top: 4rem; padding-top: 1.2rem; border-top: 1px solid var(--rule);
  font-size: .86rem; color: var(--muted); }

@media (max-width: 45rem) {
  .frame { padding-top: 1.6rem; }
  h1 { font-size: 1.55rem; }
  section { margin-top: 2.4rem; }
  svg.wide { display: none; }
  svg.narrow { display: block; }
  .legend { display: flex; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: .55rem; }
  tbody th { white-space: normal; max-width: 44vw; overflow-wrap: normal; }
}
@media (min-width: 70rem) {
  .frame { max-width: 66rem; display: grid; grid-template-columns: 13rem minmax(0, 48rem);
  column-gap: 4rem;
    padding-top: 4rem; }
  header, main, footer { grid-column: 2; }
  nav { grid-column: 1; grid-row: 1 / span 3; }
  nav > div { position: sticky; top: 2rem; max-height: calc(100vh - 4rem); overflow-y: auto; }
  nav ol { columns: 1; }
  h1 { font-size: 2.2rem; }
}
@media print {
  .frame { max-width: none; display: block; padding: 0; }
  nav { display: none; }
  figure, tr { break-inside: avoid; }
}
)";

std::string SeriesColours(const SeriesStyles& styles, bool dark) {
  std::string rules;
  for (const SeriesStyle& style : styles.All()) {
    absl::StrAppend(&rules, ".", styles.ClassOf(style.series),
                    " { --series: ", std::string(dark ? style.dark : style.light), "; }\n");
  }
  return rules;
}

// The rules with the values of their custom properties, which only browsers know, in `colours`.
std::string WithValues(std::string rules, const std::string& colours) {
  const std::string use = "var(";
  for (size_t at = 0; (at = rules.find(use, at)) != std::string::npos;) {
    const size_t end = rules.find(')', at);
    const std::string name = rules.substr(at + use.size(), end - at - use.size()) + ": ";
    const size_t value = colours.find(name) + name.size();
    rules.replace(at, end + 1 - at, colours.substr(value, colours.find(';', value) - value));
  }
  return rules;
}

std::string BarColours(const SeriesStyles& styles, const std::set<std::string>& series, bool dark) {
  std::string rules;
  for (const std::string& name : series) {
    const SeriesStyle& style = styles.Of(name);
    absl::StrAppend(&rules, ".", styles.ClassOf(name),
                    " .bar { fill: ", std::string(dark ? style.dark : style.light), "; }\n");
  }
  return rules;
}

}  // namespace

std::string StyleSheet(const SeriesStyles& styles) {
  return absl::StrCat(":root {", kLightColours, "\n}\n", SeriesColours(styles, false),
                      "@media (prefers-color-scheme: dark) {\n:root {", kDarkColours, "\n}\n",
                      SeriesColours(styles, true), "}\n", kRules, kDrawingRules, kSeriesRules);
}

std::string PictureStyleSheet(const SeriesStyles& styles, const std::set<std::string>& series) {
  const std::string rules = absl::StrCat(kPictureRules, kDrawingRules);
  return absl::StrCat(WithValues(rules, kLightColours), BarColours(styles, series, false),
                      "@media (prefers-color-scheme: dark) {", WithValues(rules, kDarkColours),
                      BarColours(styles, series, true), "}\n");
}

}  // namespace inlay::page
