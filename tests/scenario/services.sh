#!/bin/sh
# The units in examples/: what they start is a command that this program knows with every option they give it, and systemd,
# where it is, finds nothing wrong with them.
. "$(dirname "$0")/lib"

# dry COMMAND LINE: parsed to its end, nothing is done.
dry() { "$seccm" "$@" --help >parsed.out 2>&1; }
lines=0
for unit in "$top"/examples/*.service; do
    name=$(basename "$unit")
    for line in $(sed -n 's|^Exec[A-Z][a-z]*=||p' "$unit" | tr ' ' '|'); do
        words=$(printf '%s' "$line" | tr '|' ' ')
        [ "${words%% *}" = /usr/local/bin/seccm ] || fail "$name starts ${words%% *}"
        dry ${words#* } || fail "$name: \`$words\`: $(cat parsed.out)"
        ! dry ${words#* } --no-such-option || fail 'an unknown option was not noticed'
        lines=$((lines + 1))
    done
    grep -q '^Type=notify' "$unit" && ! grep -q '^WatchdogSec=' "$unit" && fail "$name: signs of life that nobody waits for"
    sed "s|/usr/local/bin/seccm|$seccm|; s|%h/night|$dir|" "$unit" >"$name"
    if command -v systemd-analyze >/dev/null; then
        XDG_RUNTIME_DIR=$dir systemd-analyze --user verify "./$name" >verified.out 2>&1
        ! grep -e "$name:" verified.out || fail 'systemd-analyze finds fault with it'
    fi
done
[ $lines -ge 2 ] || fail "only $lines command lines in examples/"
say "$lines command lines are understood"
