#!/bin/sh
# Fills corpus/ with what the project knows already: the feeds of its tests, the dates of the
# wild, the demo's articles, and what lies in seeds/. Lines become files of one line each.
set -eu
cd "$(dirname "$0")"

lines() {
    n=0
    while IFS= read -r line || [ -n "$line" ]; do
        n=$((n + 1))
        printf '%s' "$line" > "corpus/$1/seed-$2-$n"
    done
}

mkdir -p corpus/repair corpus/dates corpus/extract corpus/url_guard corpus/front_matter
find ../tests/corpus/feeds -type f ! -name manifest.toml | while IFS= read -r feed; do
    cp "$feed" "corpus/repair/seed-$(printf '%s' "${feed#../tests/corpus/feeds/}" | tr / -)"
done
cut -d'|' -f1 ../src/sources/feed/dates/wild.txt | lines dates wild
lines dates waits < seeds/waits.txt
lines url_guard urls < seeds/urls.txt
cp seeds/extract/* ../src/demo/content/articles/*.html corpus/extract/
cp seeds/front_matter/* corpus/front_matter/
