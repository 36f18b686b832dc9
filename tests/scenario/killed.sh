#!/bin/sh
# kill -9 at random instants, in virtual time: the results file always opens, no committed site is lost, resume finishes the
# grid however often it is killed itself, and but for the sites that an interruption touched the outcome is that of a run
# that nobody killed, bit for bit (R1, R2, R4). Instants: a part of the time that the whole run takes, and the appearance of
# a progress line; both from a seed, which is printed. SECCM_TEST_KILLS: how many runs are killed (6).
. "$(dirname "$0")/lib"
protocol=$top/tests/data/steady/protocol.yaml
seed=${SECCM_TEST_SEED:-$(date +%s)}
say "seed $seed (SECCM_TEST_SEED=$seed repeats it)"
draw() { # lowest, highest: into $drawn
    seed=$(awk -v s="$seed" 'BEGIN { print (s * 48271 + 11) % 2147483647 }')
    drawn=$(awk -v s="$seed" -v a="$1" -v b="$2" 'BEGIN { print a + int(s / 2147483647 * (b - a + 1)) }')
}
draw 0 1 # a clock's seconds are no good start

begun=$(date +%s%N)
expect 0 "$seccm" run "$protocol" --virtual -o whole.seccm
took=$(($(date +%s%N) - begun))
sites=$(grep -c '^site ' main.out)
spares=$("$seccm" sites whole.seccm --csv | awk -F, 'NR > 1 && $1 > 24 && $8 != "not-visited" { n++ } END { print n + 0 }')
say "whole: $sites visits, $(outcomes whole.seccm measured) measured, $spares spares, $((took / 1000000)) ms"
[ "$spares" -gt 0 ] || fail "no spare was needed: the grid shows less than it should"

# Runs a command and kills it at an instant; leaves what it said in `log`.
kill_it() { # kind, command...
    kind=$1
    shift
    if [ "$kind" = time ]; then
        draw 1 $((took / 1000000))
        timeout -s KILL "$(awk -v t="$drawn" 'BEGIN { printf "%.3f", t / 1000 }')" "$@" >log 2>&1
        when="after $drawn ms"
    else
        draw 1 $((sites - 1))
        line=$drawn
        : >log
        "$@" >log 2>&1 &
        victim=$!
        started="$started $victim"
        while kill -0 $victim 2>/dev/null && [ "$(grep -c '^site ' log)" -lt "$line" ]; do :; done
        kill -9 $victim 2>/dev/null
        wait $victim
        when="at line $line"
    fi
} 2>/dev/null

# What is durable: one line per site with an outcome that a kill can not take back.
durable() { "$seccm" sites "$1" --csv | awk -F, 'NR > 1 && $8 != "not-visited" && $8 != "in-progress" { print $1 "," $8 "," $10 "," $11 }' | sort; }

# What the kill met: nothing yet, the time between two attempts, or an attempt (and how much of it was stored by then).
no_file=0 between=0 under_way=0 durable_sites=0
tally() { # file
    if [ ! -e "$1" ]; then
        no_file=$((no_file + 1))
    elif [ "$(outcomes "$1" in-progress)" = 0 ]; then
        between=$((between + 1))
    else
        under_way=$((under_way + 1))
    fi
}

check_after_kill() { # file
    tally "$1"
    [ -e "$1" ] || return 0 # killed before it was made
    "$seccm" sites "$1" >/dev/null 2>opened || fail "$when: $1 does not open: $(cat opened)"
    "$seccm" features "$1" >/dev/null 2>opened || fail "$when: features of $1: $(cat opened)"
    durable "$1" >now
    said=$(grep -c '^site ' log)
    had=$(wc -l <before)
    have=$(wc -l <now)
    # A line appears when the outcome is on its way; it is durable before the next descent (R1).
    [ "$have" -ge $((had + said - 1)) ] || fail "$when: $said sites reported, $had before, only $have in the file"
    lost=$(comm -23 before now)
    [ -z "$lost" ] || fail "$when: lost $lost"
    cp now before
    durable_sites=$((durable_sites + have))
}

kills=0 resumes=0 interrupted=0 possibly=0 compared=0
for round in $(seq "${SECCM_TEST_KILLS:-6}"); do
    file=run$round.seccm
    : >before
    kind=time
    [ $((round % 2)) = 0 ] && kind=line
    kill_it $kind "$seccm" run "$protocol" --virtual -o $file
    kills=$((kills + 1))
    story="round $round: $when"
    check_after_kill $file
    if [ ! -e $file ]; then
        expect 0 "$seccm" run "$protocol" --virtual -o $file
    else
        # The resumption is killed as well, up to three times.
        draw 0 3
        for again in $(seq "$drawn"); do
            kill_it time "$seccm" resume $file
            kills=$((kills + 1))
            story="$story, $when"
            check_after_kill $file
        done
        expect 0 "$seccm" resume $file
        resumes=$((resumes + 1))
        durable $file >now
        [ -z "$(comm -23 before now)" ] || fail "$story: lost by the last resumption: $(comm -23 before now)"
        # A kill may have come when the last outcome was stored already.
        grep -q 'nothing is left to do' main.out ||
            grep -q '0 crashes, 0 drags, 0 wet travels, 0 envelope violations, 0 s cell left on, 0 unrecorded' main.out || fail "$story: $(cat main.out)"
    fi
    [ "$(outcomes $file measured)" = 24 ] || fail "$story: $("$seccm" sites $file)"
    "$seccm" diff whole.seccm $file >differences 2>&1 || fail "$story: $(cat differences)"
    interrupted=$((interrupted + $(outcomes $file interrupted)))
    possibly=$((possibly + $("$seccm" sites $file --csv | awk -F, 'NR == 1 { for (k = 1; k <= NF; k++) at[$k] = k } $at["outcome"] == "interrupted" && $at["touched"] != "no" { n++ } END { print n + 0 }')))
    compared=$((compared + 1))
    say "$story; $(outcomes $file interrupted) interrupted; $(tail -n 1 differences)"
done
say "$kills kills: $no_file before the file was there, $between between attempts, $under_way during one; $resumes runs finished by resume"
say "$durable_sites times a site was found as it had been left, none lost; $interrupted sites interrupted ($possibly possibly touched: a spare took their place)"
say "$compared runs compared with one that nobody killed: no difference"

# The comparison must be able to fail: another seed is another plan.
"$seccm" run "$protocol" --virtual --seed 99 -q -o other.seccm 2>/dev/null
"$seccm" diff whole.seccm other.seccm >differences 2>&1 && fail "diff finds no difference between different runs"
exit 0
