#!/usr/bin/env bash
# The first tutorial as one program: it makes the calls of first-steps.md against a running server, checks every
# answer, and ends with status 0 only if all of them were as they should be.
#
#     ./first-steps.sh [ADDRESS]        ADDRESS is http://127.0.0.1:3011 unless given
#
# It needs curl, python3 and the command `erp` (or the one named in $ERP) with the settings of that server, because
# tenants are opened by an operator and not over HTTP.
set -euo pipefail

BASE=${1:-http://127.0.0.1:3011}
API=$BASE/api/v1/core
ERP=${ERP:-erp}
RUN=${RUN:-$(date +%s)}
PASSWORD="tutorial-$RUN-$RANDOM$RANDOM"
HERE=$(cd "$(dirname "$0")" && pwd)
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

STATUS=
BODY=$WORK/body
TOKEN=
STEP=0

step() { STEP=$((STEP + 1)); printf '\n%2d. %s\n' "$STEP" "$*"; }
note() { printf '    %s\n' "$*"; }
fail() {
    printf '\nfailed in step %d: %s\nthe last answer was %s: %s\n' "$STEP" "$1" "$STATUS" "$(head -c 2000 "$BODY")" >&2
    exit 1
}

# ask METHOD PATH [more of curl]: sends a request as the holder of $TOKEN; fills $STATUS and the file $BODY.
ask() {
    local method=$1 path=$2
    shift 2
    STATUS=$(curl --silent --show-error --globoff --max-time 120 --output "$BODY" --write-out '%{http_code}' \
        --request "$method" --header "Authorization: Bearer $TOKEN" "$@" "$API$path")
}
# send METHOD PATH JSON [more of curl]: the same with a body.
send() { ask "$1" "$2" --header 'Content-Type: application/json' --data-binary "$3" "${@:4}"; }
# get EXPRESSION: evaluates Python on the last answer, which is called d.
get() { python3 -c "import json, sys; d = json.load(open(sys.argv[1])); print($1)" "$BODY"; }
# expect STATUS [EXPRESSION VALUE]…: the last answer has this status, and each expression this value.
expect() {
    [ "$STATUS" = "$1" ] || fail "expected the status $1"
    shift
    while [ $# -gt 0 ]; do
        local found
        found=$(get "$1")
        [ "$found" = "$2" ] || fail "expected $1 to be $2 and found $found"
        shift 2
    done
}
same() { [ "$1" = "$2" ] || fail "expected $2 and found $1"; }
# follow PATH: waits for a job to end and shows its progress.
follow() {
    local seen='' now=''
    for _ in $(seq 600); do
        ask GET "${1#/api/v1/core}"
        expect 200
        now=$(get "f\"{d['state']} {d['done']} of {d['total'] or '?'}\"")
        [ "$now" = "$seen" ] || note "$now"
        seen=$now
        case $now in done* | failed* | cancelled*) return ;; esac
        sleep 0.2
    done
    fail 'the job did not end within two minutes; is a worker running?'
}
# pages PATH: reads a list to its end by its cursors; prints how many pages and items there were.
pages() {
    local pages=0 items=0 count cursor=''
    while :; do
        ask GET "$1${cursor:+&cursor=$cursor}"
        expect 200
        read -r count cursor <<<"$(get "len(d['items']), d['next_cursor'] or ''")"
        pages=$((pages + 1)) items=$((items + count))
        [ -n "$cursor" ] || break
    done
    echo "$pages pages, $items items"
}
operate() { $ERP "$@" >"$WORK/told" 2>&1 || { cat "$WORK/told" >&2; exit 1; }; }
open_tenant() {
    operate tenants create "$1-$RUN" "$2"
    printf '%s\n' "$PASSWORD" | operate users create "$1-$RUN@tutorial.example" --name "$3" --tenant "$1-$RUN" --password-stdin
    note "$2 is the tenant $1-$RUN"
}
sign_in() {
    send POST /auth/sign-in "{\"email\": \"$1-$RUN@tutorial.example\", \"password\": \"$PASSWORD\"}"
    expect 200 "d['token_type']" Bearer "d['tenant']['slug']" "$1-$RUN"
    get "d['access_token']"
}

step 'The server is there'
curl --silent --show-error --fail --max-time 10 "$BASE/health"
echo

step 'Open two tenants, a builder and a neighbour, with one person each'
open_tenant constructora 'Constructora del Sur' 'Sara Ibarra'
open_tenant vecina 'La Vecina' 'Berta Luna'

step 'Sign in as both'
BUILDER=$(sign_in constructora)
NEIGHBOUR=$(sign_in vecina)
TOKEN=$BUILDER
ask GET /auth/me
expect 200 "d['user']['email']" "constructora-$RUN@tutorial.example"
TOKEN=not-a-token
ask GET /partners
expect 401 "d['code']" unauthenticated
TOKEN=$BUILDER

step 'Create the units and categories that the products refer to, each kind in one call'
send POST /units/bulk '{"items": [
    {"action": "create", "data": {"code": "SACO", "name": "Saco", "name_en": "Bag", "dimension": "count"}},
    {"action": "create", "data": {"code": "TRAMO", "name": "Tramo", "name_en": "Length", "dimension": "count"}},
    {"action": "create", "data": {"code": "CUBETA", "name": "Cubeta", "name_en": "Bucket", "dimension": "count"}}]}'
expect 200
send POST /categories/bulk '{"items": [
    {"action": "create", "data": {"code": "OBRA-NEGRA", "name": "Obra negra"}},
    {"action": "create", "data": {"code": "ACABADOS", "name": "Acabados"}},
    {"action": "create", "data": {"code": "ACERO", "name": "Acero"}},
    {"action": "create", "data": {"code": "INSTALACIONES", "name": "Instalaciones"}}]}'
expect 200

step 'Write the two files'
python3 "$HERE/make_files.py" "$WORK"
wc -l "$WORK/products.csv" "$WORK/partners.csv"

step 'Send a file with two wrong rows: nothing is imported, and each is named'
printf 'sku,name,unit,barcode\nX-1,Bien,SACO,7500000000015\nX-2,Mal,SACO,7500000000016\nX-3,Peor,BARRIL,\n' >"$WORK/bad.csv"
ask POST /products/import --header 'Content-Type: text/csv' --data-binary "@$WORK/bad.csv"
expect 202
follow "$(get "d['follow']")"
expect 200 "d['state']" failed "d['problem']['code']" rows_refused
get "'\n'.join(f\"    row {e['row']}, {e['column']}: {e['reason']}\" for e in d['problem']['errors'])"
same "$(get "sorted({(e['row'], e['column']) for e in d['problem']['errors']})[:2]")" "[(3, 'barcode'), (4, 'unit')]"
ask GET '/products?total=true&limit=1'
expect 200 "d['total']" 0

step 'Import 5,000 products: first a dry run, then in earnest'
ask POST '/products/import?dry_run=true' --header 'Content-Type: text/csv' --data-binary "@$WORK/products.csv"
expect 202
follow "$(get "d['follow']")"
expect 200 "d['state']" done "d['result']['rows']" 5000 "d['result']['created']" 0
ask POST /products/import --header 'Content-Type: text/csv' --header "Idempotency-Key: products-$RUN" \
    --data-binary "@$WORK/products.csv"
expect 202
JOB=$(get "d['follow']")
follow "$JOB"
expect 200 "d['state']" done "d['result']['created']" 5000

step 'Send the same upload again, as a client does that lost the answer: it is the same job'
ask POST /products/import --header 'Content-Type: text/csv' --header "Idempotency-Key: products-$RUN" \
    --data-binary "@$WORK/products.csv"
expect 202 "d['follow']" "$JOB"

step 'Import 2,000 partners'
ask POST /partners/import --header 'Content-Type: text/csv' --data-binary "@$WORK/partners.csv"
expect 202
follow "$(get "d['follow']")"
expect 200 "d['state']" done "d['result']['created']" 2000
ask GET '/partners?filter[is_supplier]=true&q=materiales+jocotan&total=true&limit=1'
expect 200 "d['total']" 50
note '50 suppliers begin with Materiales Jocotán, and are found without the accent'

step 'Create the locations: where goods come from, a warehouse and a building site'
send POST /locations '{"code": "COMPRAS", "name": "Compras a proveedores", "kind": "supplier"}'
expect 201
SUPPLIER=$(get "d['id']")
send POST /locations '{"code": "ALM-1", "name": "Almacén central"}'
expect 201 "d['kind']" internal
WAREHOUSE=$(get "d['id']")
send POST /locations '{"code": "OBRA-1", "name": "Obra Los Encinos"}'
expect 201
SITE=$(get "d['id']")

step 'Receive 100 of each of 120 products, all in one posting'
ask GET '/products?sort=sku&limit=120&fields=sku'
expect 200 "len(d['items'])" 120 "d['items'][0]['sku']" MAT-00001
PRODUCT=$(get "d['items'][0]['id']")
LINES=$(get "json.dumps([{'product_id': item['id'], 'from_location_id': '$SUPPLIER', 'to_location_id': '$WAREHOUSE', 'quantity': '100'} for item in d['items']])")
send POST /moves "{\"document\": \"OC-1\", \"reason\": \"Compra\", \"lines\": $LINES}" --header "Idempotency-Key: receive-$RUN"
expect 201 "len(d['moves'])" 120
POSTING=$(get "d['id']")
send POST /moves "{\"document\": \"OC-1\", \"reason\": \"Compra\", \"lines\": $LINES}" --header "Idempotency-Key: receive-$RUN"
expect 201 "d['id']" "$POSTING"
note 'sent twice with one Idempotency-Key, received once'

step 'Move 40 to the site'
one_line() { echo "{\"lines\": [{\"product_id\": \"$PRODUCT\", \"from_location_id\": \"$1\", \"to_location_id\": \"$2\", \"quantity\": \"$3\"}]}"; }
send POST /moves "$(one_line "$WAREHOUSE" "$SITE" 40)"
expect 201
note "$(get "', '.join(sorted(level['on_hand'] for level in d['levels'])) + ' are at the two places'")"

step 'Be refused beyond what is there'
send POST /moves "$(one_line "$WAREHOUSE" "$SITE" 60.5)"
expect 409 "d['code']" insufficient_stock "d['available']" 60
note "$(get "d['detail']")"

step 'Read levels and movements page by page'
ask GET "/stock_levels?filter[product_id]=$PRODUCT&filter[location_id][in]=$WAREHOUSE,$SITE&fields=location_id,on_hand&include=location"
expect 200 "sorted((i['location']['code'], i['on_hand']) for i in d['items'])" "[('ALM-1', '60'), ('OBRA-1', '40')]"
check_pages() {
    local found
    found=$(pages "$2")
    note "$1: $found"
    same "$found" "$3"
}
check_pages 'levels at the warehouse' "/stock_levels?filter[location_id]=$WAREHOUSE&limit=50" '3 pages, 120 items'
check_pages movements '/movements?limit=50' '3 pages, 121 items'
check_pages products '/products?limit=200' '25 pages, 5000 items'

step 'Export them as CSV, as JSON Lines and as a workbook'
ask GET '/products/export?format=csv&sort=sku' && expect 200
cp "$BODY" "$WORK/export.csv"
same "$(python3 -c "import csv, sys; print(len(list(csv.DictReader(open(sys.argv[1], encoding='utf-8-sig')))))" "$WORK/export.csv")" 5000
ask GET '/partners/export?format=jsonl' && expect 200
same "$(wc -l <"$BODY" | tr -d ' ')" 2000
ask GET "/stock_levels/export?format=jsonl&filter[location_id]=$WAREHOUSE" && expect 200
same "$(wc -l <"$BODY" | tr -d ' ')" 120
ask GET '/movements/export?format=xlsx' && expect 200
same "$(head -c 2 "$BODY")" PK
note 'products.csv, partners.jsonl, stock_levels.jsonl and movements.xlsx are complete'

step 'The neighbour sees nothing of all this'
TOKEN=$NEIGHBOUR
for list in products partners movements stock_levels categories; do
    ask GET "/$list?total=true"
    expect 200 "d['total']" 0 "d['items']" '[]'
done
ask GET '/products/export?format=jsonl' && expect 200
same "$(wc -c <"$BODY" | tr -d ' ')" 0
ask GET "/products/$PRODUCT"
expect 404 "d['code']" not_found
foreign=$(get "{k: v for k, v in d.items() if k != 'request_id'}")
ask GET /products/01900000-0000-7000-8000-000000000000
expect 404
same "$(get "{k: v for k, v in d.items() if k != 'request_id'}")" "$foreign"
ask GET "${JOB#/api/v1/core}"
expect 404 "d['code']" not_found
send POST /moves "$(one_line "$WAREHOUSE" "$SITE" 1)"
expect 422 "d['code']" unknown_reference
note "the builder's product answers the neighbour exactly as one that never existed"

step 'Sign out: the token is refused within a second'
TOKEN=$BUILDER
ask POST /auth/sign-out
expect 204
sleep 1
ask GET /auth/me
expect 401

printf '\nall %d steps went as they should\n' "$STEP"
