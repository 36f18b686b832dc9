#!/bin/sh
# The live page in a real browser: it follows the run, its controls work with the token and are not there without, on a
# large screen and on a phone. Leaves screenshots in its scratch folder for people to look at.
. "$(dirname "$0")/../scenario/lib"
. "$top/tests/ui/lib"
protocol=$top/tests/data/steady/long.yaml

# Two sites are measured at once, so that there is something to see; then time goes slowly.
expect 0 "$seccm" run "$protocol" --virtual -q --sites 2 -o live.seccm
(prompt "$seccm" resume live.seccm -q --speed 2 --serve 0 >live.log 2>&1) &
run=$!
started="$started $run"
await live.log 'with its controls' $run || fail "$(cat live.log)"
url=$(sed -n 's/.*live page: \(http:[^ ]*\/\) .*/\1/p' live.log)
token=$(sed -n 's/.*with its controls: .*#\([0-9a-f]\{32\}\)$/\1/p' live.log)

is() { # what, expression
    value=$(js "$2")
    [ "$value" = true ] || fail "$1: $2 is $value"
}
# until_js EXPRESSION: waits until it is true; gives up when the run is gone.
until_js() {
    until [ "$(js "$1")" = true ]; do
        kill -0 $run 2>/dev/null || [ "$(js "$1")" = true ] || fail "never true: $1"
        sleep 0.1
    done
}

open_browser
size 1280 1000 false
goto "$url"

# It is alive, and moves.
sees '^Site 3 · 2 of 6 done' state $run
sees 'Measuring: ageing' detail $run
is 'title' "document.title.includes('33 %')"
is 'when it is done' "((x) => { x.open('GET', 'status.json', false); x.send(); const at = Date.parse(JSON.parse(x.responseText).finish_utc); return [-60000, 0, 60000].some((m) => document.getElementById('finish').textContent.startsWith('Done by about ') && document.getElementById('finish').textContent.includes(new Date(at + m).toTimeString().slice(0, 5))); })(new XMLHttpRequest())"
is 'in how long' "document.getElementById('left').textContent.startsWith('in ')"
is 'map' "Chart.getChart('map').data.datasets[0].data.length == 6"
is 'site under way' "Chart.getChart('map').data.datasets[1].data[0].site == 3"
is 'scales of the map' "Chart.getChart('map').scales.y.max - Chart.getChart('map').scales.y.min < 100"
sees '^Site 3: ageing' curve-title $run
until_js "Chart.getChart('curve').data.datasets[0].data.length > 10"
is 'curve over potential' "Chart.getChart('curve').options.scales.x.title.text == 'E vs Li/Li+ by Ag QRCE / V'"
before=$(text curve-note)
until [ "$(text curve-note)" != "$before" ]; do
    kill -0 $run 2>/dev/null || fail 'the curve does not move'
done
is 'features' "document.getElementById('feature').options.length > 10"
js "(document.getElementById('feature').value = 'formation.q_red@1', document.getElementById('feature').onchange(), 1)" >/dev/null
until_js "document.getElementById('low').textContent.includes('pC')"

# The charts of the probe.
is 'charts of the probe' "document.getElementById('health').offsetParent !== null"
until_js "document.querySelectorAll('.health-chart').length >= 6"
is 'landings so far' "Chart.getChart(document.querySelector('.health-chart canvas')).data.datasets[0].data.length >= 2"
is 'what they say' "document.querySelector('.health-said').textContent.startsWith('Too few landings yet')"
is 'not judged yet' "document.querySelector('.health-chart h3 span').textContent.startsWith('learning: ')"

# Nothing can be done without the token.
is 'locked' "document.getElementById('stop').offsetParent === null && document.getElementById('token').offsetParent !== null"
for what in pause continue skip stop; do
    is "$what without token" "fetch('$what', {method: 'POST'}).then((r) => r.status == 403)"
done
picture desktop-locked.png
"$http" POST "$driver/element" -d '{"using": "css selector", "value": "#token"}' >element.json
element=$(sed -n '2s/.*"element-6066-11e4-a52e-4f735466cecf":"\([^"]*\)".*/\1/p' element.json)
"$http" POST "$driver/element/$element/value" -d '{"text": "0123456789abcdef0123456789abcdef\ue007"}' >/dev/null
sees 'code is missing or wrong' answer $run
is 'still locked' "document.getElementById('stop').offsetParent === null"
is 'nothing happened' "fetch('status.json').then((r) => r.json()).then((s) => s.site == 3 && !s.wishes.pausing && !s.wishes.stopping)"

# With it: skip (asked twice), pause, continue.
goto "$url#$token"
js "location.reload()" >/dev/null
until_js "document.getElementById('pause').offsetParent !== null"
is 'the code is out of the address bar' "location.hash == ''"
is 'kept for this tab' "sessionStorage.getItem('token') == '$token'"
until_js "!document.getElementById('skip').disabled"
press skip
press no
is 'no means no' "document.getElementById('confirm').offsetParent === null"
press skip
sees 'End site 3 now' question $run
press yes
sees '^Site 4' state $run
sees '1 skipped' counts $run
press pause
sees 'Pauses after this site' detail $run
picture desktop.png
size 1280 1000 false dark
until_js "getComputedStyle(document.body).backgroundColor == 'rgb(18, 23, 27)'"
picture dark.png
press skip
press yes
sees '^Paused' state $run
is 'no end while it is paused' "document.getElementById('finish').textContent == '' && document.getElementById('left').textContent.endsWith(' of work left')"
"$seccm" status live.seccm | grep -q '^state     paused by the operator' || fail "$("$seccm" status live.seccm)"
sees 'paused by the operator from the web page' events $run
size 390 844 true
until_js "innerWidth == 390"
is 'fits a phone' "document.documentElement.scrollWidth <= innerWidth"
is 'charts fit a phone' "Array.from(document.querySelectorAll('.health-chart')).every((e) => e.getBoundingClientRect().right <= innerWidth)"
is 'large enough for a thumb' "document.getElementById('continue').getBoundingClientRect().height >= 44"
picture phone-paused.png
press continue
sees '^Site 5' state $run
sees 'Measuring' detail $run
picture phone.png
# The map of the run's last change can not be had at once: it is asked for again, though nothing new comes any more.
js "(window.had = window.fetch, window.over = window.failed = false, window.fetch = async (path, how) => {
    const r = await window.had(path, how);
    if (path === 'status.json' && r.status === 200) window.over = (await r.clone().json()).ended;
    const fails = String(path).startsWith('sites.json') && !window.failed;
    window.failed = window.failed || (fails && window.over);
    return fails ? new Response('', { status: 500 }) : r; }, 1)" >/dev/null
press stop
press yes
until_js "window.failed && Chart.getChart('map').data.datasets[0].data.some((at, k) => at.site == 5 && Chart.getChart('map').data.datasets[0].pointStyle[k] == 'cross')"
sees 'Stopped by the operator' state $run
sees 'The probe is retracted and the cell open' detail $run
picture phone-stopped.png
is 'nothing left to press' "document.getElementById('buttons').offsetParent === null"
wait $run
[ $? = 130 ] || fail "$(cat live.log)"
until [ "$(js 1)" != 1 ] || ! "$http" GET "${url}status.json" >/dev/null; do sleep 0.1; done
is 'the end stays on the page' "document.getElementById('state').textContent == 'Stopped by the operator'"
close_browser
[ "$(outcomes live.seccm measured) $(outcomes live.seccm skipped) $(outcomes live.seccm aborted)" = '2 2 1' ] || fail "$("$seccm" sites live.seccm)"
say "seen in $("$chromium" --version 2>/dev/null | head -n 1): live update, locked without the code, skip, pause, continue, stop"
