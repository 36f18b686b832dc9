#!/bin/sh
# The live page and the local commands: what may be read, what needs the token, which hostile requests are refused and how,
# that none of them disturbs the run, and pause, continue, skip and stop from both sides. The browser is in tests/ui.
. "$(dirname "$0")/lib"
http=$(dirname "$seccm")/tools/http
[ -x "$http" ] || fail "no $http: make TOOLS"
XDG_RUNTIME_DIR=$dir/runtime
export XDG_RUNTIME_DIR
mkdir -p "$XDG_RUNTIME_DIR"

# served NAME COMMAND...: a run with a page on a free port; sets run (pid), url, port, token.
served() {
    who=$1
    shift
    (prompt "$@" --serve 0 >"$who.log" 2>&1) &
    run=$!
    started="$started $run"
    await "$who.log" 'with its controls' $run || fail "$who: $(cat "$who.log")"
    token=$(sed -n 's/.*with its controls: .*#\([0-9a-f]\{32\}\)$/\1/p' "$who.log")
    url=$(sed -n 's/.*live page: \(http:[^ ]*\)\/ .*/\1/p' "$who.log")
    port=${url##*:}
    [ -n "$token" ] || fail "no token in $who.log"
}
# gives STATUS PATTERN ARGUMENTS OF http...: the answer has this status and holds the pattern.
gives() {
    wanted=$1 pattern=$2
    shift 2
    "$http" "$@" >"$who.answer" || fail "no answer to $*"
    [ "$(sed -n 1p "$who.answer")" = "$wanted" ] || fail "$(sed -n 1p "$who.answer") instead of $wanted to $*: $(sed 1d "$who.answer" | head -c 300)"
    [ -z "$pattern" ] || sed 1d "$who.answer" | grep -q -e "$pattern" || fail "no \"$pattern\" in the answer to $*: $(sed 1d "$who.answer" | head -c 600)"
}
# status KEY: a value of the status, as it stands in the JSON.
status() { "$http" GET "$url/status.json" | sed -n 's/.*"'"$1"'":\("[^"]*"\|[^,{}]*\).*/\1/p'; }
await_status() { # key, value
    until [ "$(status "$1")" = "$2" ]; do
        kill -0 $run 2>/dev/null || fail "$who ended before \"$1\" was $2: $(cat "$who.log")"
        sleep 0.05
    done
}
with_token() { # status, pattern, path
    gives "$1" "$2" POST "$url$3" -H "X-Seccm-Token: $token"
}
# refused BYTES: sent as they are; whatever comes back is no success.
refused() {
    printf "$1" | "$http" raw "$port" >"$who.answer" || fail "no connection for: $1"
    ! grep -q '^HTTP/1.1 2' "$who.answer" || fail "accepted: $1: $(cat "$who.answer")"
}

may_be_read() {
    gives 200 '<title>seccm</title>' GET "$url/"
    gives 200 'Content-Security-Policy: default-src' GET "$url/" -i
    gives 200 'polls the run' GET "$url/live.js"
    gives 200 'Chart.js' GET "$url/chart.js"
    gives 200 '"state":"running"' GET "$url/status.json"
    gives 200 '"levels":\["0.5 V"\]' GET "$url/sites.json"
    gives 200 '"unit":{"t":"s","e":"V"' GET "$url/curve.json"
    gives 200 '"events":\[' GET "$url/events.json"
    gives 200 '"health":{"verdict":"","baseline":12' GET "$url/health.json"
    gives 200 'Control charts' GET "$url/health.js"
    etag=$("$http" GET "$url/live.css" -i | sed -n 's/^ETag: \(.*\)\r$/\1/p')
    gives 304 '' GET "$url/live.css" -H "If-None-Match: $etag"
    gives 200 'body' GET "$url/live.css" -H 'If-None-Match: "another"'
    gives 404 'no such feature' GET "$url/sites.json?feature=nonsense"
    gives 200 '"sites":\[\]' GET "$url/sites.json?since=99999999"
}

needs_the_token() {
    for what in pause continue skip stop check; do
        gives 403 'code is missing or wrong' POST "$url/$what"
        gives 403 'code is missing or wrong' POST "$url/$what?token=$token"
        gives 403 'code is missing or wrong' POST "$url/$what" -H "X-Seccm-Token: 0123456789abcdef0123456789abcdef"
        gives 403 'code is missing or wrong' POST "$url/$what" -H "X-Seccm-Token: ${token}0"
        gives 403 'another page' POST "$url/$what" -H "X-Seccm-Token: $token" -H 'Origin: http://elsewhere.example'
        gives 403 'another page' POST "$url/$what" -H "X-Seccm-Token: $token" -H 'Sec-Fetch-Site: cross-site'
        gives 405 '' GET "$url/$what" -H "X-Seccm-Token: $token"
        gives 405 '' OPTIONS "$url/$what" -H 'Origin: http://elsewhere.example' -H 'Access-Control-Request-Method: POST'
    done
    ! "$http" OPTIONS "$url/stop" -i -H 'Origin: http://elsewhere.example' | grep -qi 'Access-Control' || fail 'other pages are let in'
    gives 421 'another name' GET "$url/status.json" -H 'Host: rebound.example'
    gives 421 'another name' POST "$url/stop" -H 'Host: rebound.example' -H "X-Seccm-Token: $token"
    with_token 200 'the code is right' /check
    gives 200 'the code is right' POST "$url/check" -H "X-Seccm-Token: $token" -H "Origin: $url"
    gives 200 'the code is right' POST "$url/check" -H "X-Seccm-Token: $token" -d '{"small": "body"}'
    [ "$(status pausing)$(status stopping)$(status skipping)" = falsefalse0 ] || fail "somebody got through: $(status pausing)"
}

hostile_requests() {
    gives 404 'no such page' GET "$url/../../../etc/passwd"
    gives 404 'no such page' GET "$url/%2e%2e/%00"
    gives 405 '' DELETE "$url/status.json"
    gives 405 '' PUT "$url/sites.json" -d '[]'
    gives 413 'nothing is taken' POST "$url/pause" -H "X-Seccm-Token: $token" -d "$(printf '%05000d' 0)"
    refused 'POST /pause HTTP/1.1\r\nHost: localhost\r\nX-Seccm-Token: '"$token"'\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n'
    refused 'POST /pause HTTP/1.1\r\nHost: localhost\r\nX-Seccm-Token: '"$token"'\r\nContent-Length: 999999999999\r\n\r\n'
    refused 'POST /pause HTTP/1.1\r\nHost: localhost\r\nX-Seccm-Token: '"$token"'\r\nContent-Length: -1\r\n\r\n'
    refused 'GET /status.json HTTP/1.1\r\n\r\n'
    refused 'GET\r\n\r\n'
    refused '\001\002\003\004 / \r\n\r\n'
    refused '\026\003\001\002\000\001\000\001\374\003\003'
    refused "GET /$(printf '%030000d' 0) HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n"
    refused "GET / HTTP/1.1\\r\\nHost: localhost\\r\\nX: $(printf '%030000d' 0)\\r\\n\\r\\n"
    head -c 3000000 /dev/zero | "$http" raw "$port" >"$who.answer"
    # Far more connections than are served, each with half a request: those that do ask are answered all the same.
    mkfifo lying
    "$http" hold "$port" 200 <lying >hold.txt &
    holding=$!
    started="$started $holding"
    exec 3>lying
    await hold.txt holding $holding || fail 'hold'
    for k in 1 2 3 4 5 6 7 8 9 10; do
        printf x >&3
        gives 200 '"state":"running"' GET "$url/status.json"
        gives 200 '"sites":' GET "$url/sites.json"
    done
    exec 3>&-
    wait $holding
    closed=$(sed -n 's/^closed //p' hold.txt)
    [ "$closed" -gt 100 ] || fail "only $closed of 200 lying connections were closed"
    k=0
    while [ $k -lt 200 ]; do
        "$http" GET "$url/curve.json" >/dev/null || fail 'no answer'
        k=$((k + 1))
    done
    gives 200 '"state":"running"' GET "$url/status.json"
}

# curve KEY: a number of the curve; points: how many it has.
curve() { "$http" GET "$url/curve.json" | sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p'; }
points() { "$http" GET "$url/curve.json" | sed -n 's/.*"i":\[\([^]]*\)\].*/\1/p' | tr ',' '\n' | grep -c '[0-9]'; }
# The curve of a step that is under way grows from look to look, by samples and by points.
curve_grows() {
    until "$http" GET "$url/curve.json" | grep -q '"name":"ageing"'; do
        kill -0 $run 2>/dev/null || fail "$who ended before its second step: $(cat "$who.log")"
        sleep 0.05
    done
    drawn=$(points) samples=$(curve samples) # in this order, as both grow
    for k in 1 2 3; do
        until [ "$(curve samples)" -gt "$samples" ] && [ "$(points)" -gt "$drawn" ]; do
            [ "$(status phase)$(status site)" = '"measure"1' ] || fail "the curve stood at $samples samples, $drawn points"
            sleep 0.05
        done
        drawn=$(points) samples=$(curve samples) # in this order, as both grow
    done
    [ "$drawn" -ge 4 ] && [ "$samples" -ge "$drawn" ] || fail "$drawn points of $samples samples"
}

# Both sides of control, on a run that is in nobody's hurry.
operated() {
    XDG_RUNTIME_DIR=$dir/operated.runtime # nobody else's sockets
    mkdir -p "$XDG_RUNTIME_DIR"
    served operated "$seccm" run "$top/tests/data/steady/long.yaml" --speed 2 -o operated.seccm
    await_status phase '"measure"'
    curve_grows
    may_be_read
    needs_the_token
    hostile_requests
    "$seccm" status operated.seccm >"$who.status"
    grep -q "^page      $url/\$" "$who.status" || fail "status does not say where the page is: $(cat "$who.status")"
    with_token 400 'is a number' '/skip?site=abc'
    with_token 400 'is a number' '/skip?site=99999999999999'
    with_token 409 'site 5 is not under way' '/skip?site=5'
    with_token 200 'site 1 is skipped' '/skip?site=1'
    await_status site 2
    expect 0 "$seccm" pause operated.seccm
    grep -q 'pauses after site 2' operated.out || fail "$(cat operated.out)"
    [ "$(status pausing)" = true ] || fail 'the page does not tell of the pause'
    await_status phase '"measure"'
    for odd in 0 -7 4294967298 2x ''; do expect 2 "$seccm" skip operated.seccm --site "$odd"; done
    # cron, su and sudo have other folders, or none: the run itself has written down where it listens
    expect 1 env -u XDG_RUNTIME_DIR "$seccm" skip operated.seccm --site 1
    grep -q 'site 1 is not under way' operated.out || fail "not reached without XDG_RUNTIME_DIR: $(cat operated.out)"
    mkdir -p elsewhere
    expect 0 env XDG_RUNTIME_DIR="$dir/elsewhere" "$seccm" skip operated.seccm --site 2
    await_status state '"paused by the operator"'
    "$seccm" status operated.seccm >"$who.status"
    grep -q '^state     paused by the operator (process' "$who.status" || fail "$(cat "$who.status")"
    with_token 200 'paused already' /pause
    expect 1 "$seccm" skip operated.seccm
    grep -q 'nothing to skip' operated.out || fail "$(cat operated.out)"
    with_token 200 'the run goes on' /continue
    expect 1 "$seccm" continue operated.seccm
    await_status phase '"measure"'
    expect 0 "$seccm" stop operated.seccm
    wait $run
    [ $? = 130 ] || fail "status after stop: $(cat operated.log)"
    grep -q 'rig verified safe (retracted, cell open)' operated.log || fail "$(cat operated.log)"
    grep -q ' 0 crashes, 0 drags, 0 wet travels, 0 envelope violations, 0 s cell left on' operated.log || fail "$(cat operated.log)"
    [ "$(outcomes operated.seccm skipped) $(outcomes operated.seccm aborted)" = '2 1' ] || fail "$("$seccm" sites operated.seccm)"
    expect 1 "$seccm" pause operated.seccm
    grep -q 'no run of operated.seccm is alive on this machine (state: interrupted)' operated.out || fail "$(cat operated.out)"
    "$seccm" status operated.seccm | grep -q '^page' && fail 'a page that is gone'
    [ -z "$(ls "$XDG_RUNTIME_DIR/seccm")" ] || fail "sockets are left: $(ls "$XDG_RUNTIME_DIR/seccm")"
    say "operated: two sites skipped, one pause, stopped; $closed of 200 lying connections closed"
}

# A resumed run shows what was there before; the page says how it ended.
resumed() {
    expect 2 "$seccm" run "$top/tests/data/steady/short.yaml" --virtual -q -o resumed.seccm --serve nonsense:80
    expect 130 sh -c '"$1" run "$2" --virtual -q -o resumed.seccm --sites 1 && exit 130' - "$seccm" "$top/tests/data/steady/short.yaml"
    served resumed "$seccm" resume resumed.seccm -q --speed 2
    await_status visited 1
    gives 200 '"name":"formation.q_red@1","unit":"C"' GET "$url/sites.json"
    gives 200 '"site":1,.*"outcome":"measured",.*"value":[-0-9.e]*,' GET "$url/sites.json?feature=formation.q_red@1"
    with_token 200 'is to stop: it will halt' /stop
    # The page lingers for those who look: they see the end.
    until "$http" GET "$url/status.json" >"$who.last" && grep -q '"ended":true' "$who.last"; do
        kill -0 $run 2>/dev/null || fail 'the end was not shown'
    done
    grep -q '"state":"interrupted".*"safe":true' "$who.last" || fail "$(cat "$who.last")"
    wait $run
    [ $? = 130 ] || fail "$(cat resumed.log)"
    say 'resumed: what was measured before is shown, and the end'
}

# An address that is taken costs nothing: no file, no motion.
taken() {
    served taken "$seccm" run "$top/tests/data/steady/long.yaml" --speed 2 -o taken.seccm
    expect 3 "$seccm" run "$top/tests/data/steady/short.yaml" --virtual -o taken2.seccm --serve "127.0.0.1:$port"
    grep -q 'Address already in use' taken.out || fail "$(cat taken.out)"
    [ ! -e taken2.seccm ] || fail 'a results file is left'
    kill -INT $run
    wait $run
    [ $? = 130 ] || fail "$(cat taken.log)"
    say 'taken: nothing was begun'
}

# With watchers that never rest, a run in virtual time is the same, bit for bit.
watched() {
    expect 0 "$seccm" run "$top/tests/data/steady/protocol.yaml" --virtual -q -o alone.seccm
    served watched "$seccm" run "$top/tests/data/steady/protocol.yaml" --virtual -q -o watched.seccm
    (while "$http" GET "$url/sites.json" >/dev/null; do :; done) &
    started="$started $!"
    while [ "$(status ended)" = false ]; do "$http" GET "$url/curve.json" >/dev/null; done
    wait $run
    [ $? = 0 ] || fail "$(cat watched.log)"
    expect 0 "$seccm" diff alone.seccm watched.seccm
    say 'watched: the same as alone'
}

# People are told of the end, and the log has a line for each site; a program that fails costs a warning.
told() {
    printf '#!/bin/sh\nprintf "%%s|" "$@" >>told.txt\ncat >told.json\nexit 1\n' >tell.sh
    chmod +x tell.sh
    expect 0 "$seccm" run "$top/tests/data/steady/short.yaml" --virtual -q -o told.seccm --log told.log --notify-command ./tell.sh
    grep -q 'seccm: finished|3 of 3 sites measured' told.txt || fail "$(cat told.txt)"
    grep -q '"kind": "end".*"safe": true, "measured": 3' told.json || fail "$(cat told.json)"
    [ "$(grep -c '"kind": "site".*"outcome": "measured"' told.log)" = 3 ] || fail "$(cat told.log)"
    grep -q 'nobody was told: --notify-command ./tell.sh: status 1' "${who:-main}.out" || fail "$(cat "${who:-main}.out")"
    say 'told: the end, once'
}

# beats STATE: of the watchdog, as systemd hears them in this state.
beats() { sed -n '/^STATUS='"$1"'/{x;s/^WATCHDOG=1$/&/p;x};h' systemd.txt | wc -l; }
# hears STATE: three of them.
hears() {
    until [ "$(beats "$1")" -ge 3 ]; do
        kill -0 $run 2>/dev/null || fail "$who ended: $(cat "$who.log")"
        [ "$(grep -c "^STATUS=$1" systemd.txt)" -lt 60 ] || fail "$1: only $(beats "$1") signs of life"
        sleep 0.1
    done
}
# A run whose thread waits, for the operator or for an instrument, is alive, and systemd hears it.
alive() {
    mkfifo listening
    "$(dirname "$seccm")/tools/datagrams" "$dir/systemd" <listening >systemd.txt &
    started="$started $!"
    exec 4>listening
    until [ -S systemd ]; do sleep 0.02; done
    cp -r "$top/tests/data/steady" silent
    sed -i 's/^simulate:/&\n  faults: [{kind: potentiostat-silent, at: 12 s, for: 100 h}]/' silent/bench.yaml
    NOTIFY_SOCKET=$dir/systemd served waits "$seccm" run "$top/tests/data/steady/long.yaml" --speed 2 -q -o waits.seccm
    await_status phase '"measure"'
    with_token 200 '' /pause
    with_token 200 '' '/skip?site=1'
    hears 'paused by the operator'
    kill -TERM $run
    wait $run
    [ $? = 130 ] || fail "$(cat waits.log)"
    NOTIFY_SOCKET=$dir/systemd served recovers "$seccm" run silent/long.yaml --speed 2 -q -o recovers.seccm
    hears recovering
    kill -TERM $run
    wait $run # whether it can be verified safe, with a potentiostat that says nothing, is not asked here
    exec 4>&-
    say "alive: signs of life in a pause and in a recovery"
}

who=told beside told
who=alive beside alive
beside operated
beside resumed
beside taken
beside watched
all_well
