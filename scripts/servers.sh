# One PostgreSQL and one Redis for whoever sources this: in a folder of their own, on ports that nothing else uses, stopped however
# the script ends. Sets DOORWARD_TEST_POSTGRES and DOORWARD_TEST_REDIS.
# shellcheck shell=bash

heading() {
    printf '\n== %s\n' "$*"
}

# Prints the folder of PostgreSQL's programs: Debian's newest, or that of PATH.
postgres_programs() {
    local newest
    newest=$(find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n 1)
    [[ -n $newest ]] || newest=$(command -v postgres) || return 1
    dirname "$newest"
}

# Installs packages of Debian, as root or with sudo.
install_packages() {
    local as_root=()
    (($# > 0)) || return 0
    heading "installing $*"
    [[ $EUID -eq 0 ]] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y "$@"
}

# Prints the packages without which nothing is built and no server starts, one a line, unless they are there.
missing_packages() {
    postgres_programs >/dev/null || echo postgresql
    command -v redis-server >/dev/null && command -v redis-cli >/dev/null || echo redis-server
    command -v openssl >/dev/null || echo openssl
    command -v cc >/dev/null && command -v make >/dev/null || echo build-essential
    command -v perl >/dev/null || echo perl
}

folder=
postgres_pid=
redis_pid=

# Ends one server: asks it, and after ten seconds kills it.
stop() {
    local pid=$1 signal=$2 attempt
    [[ -n $pid ]] || return 0
    kill "-$signal" "$pid" 2>/dev/null || return 0
    for attempt in {1..100}; do
        kill -0 "$pid" 2>/dev/null || break
        ((attempt < 100)) || kill -KILL "$pid" 2>/dev/null || true
        sleep 0.1
    done
    wait "$pid" 2>/dev/null || true
}

clean_up() {
    # SIGQUIT is PostgreSQL's immediate shutdown: nothing here is worth a checkpoint.
    stop "$postgres_pid" QUIT
    stop "$redis_pid" TERM
    [[ -z $folder ]] || rm -rf -- "$folder"
}

# Prints a port of 127.0.0.1 that nobody listens on, outside of those that tests take for servers of their own.
free_port() {
    local port
    while port=$((15000 + RANDOM % 4000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# Polls a command until it succeeds, for at most a minute and as long as the server lives.
wait_for() {
    local pid=$1 log=$2 attempt
    shift 2
    for attempt in {1..600}; do
        "$@" >/dev/null 2>&1 && return
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    echo "not ready: $*" >&2
    cat "$log" >&2
    return 1
}

# Starts PostgreSQL with further settings, `-c NAME=VALUE …`.
start_postgres() {
    local programs port password data=$folder/postgres as_owner=()
    programs=$(postgres_programs)
    port=$(free_port)
    password=$(openssl rand -hex 16)
    mkdir "$data"
    (umask 077 && printf '%s' "$password" >"$folder/password")
    if [[ $EUID -eq 0 ]]; then
        # PostgreSQL refuses to run as root.
        as_owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
        chown postgres "$data" "$folder/password"
    fi
    # md5: hundreds of tests open thousands of connections, and SCRAM's 4096 rounds have a test of their own.
    "${as_owner[@]}" "$programs/initdb" -D "$data" --username=doorward --pwfile="$folder/password" --auth=md5 \
        --encoding=UTF8 --no-locale --no-sync >"$folder/initdb.log"
    "${as_owner[@]}" "$programs/postgres" -D "$data" -p "$port" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories="$data" -c max_connections=400 \
        "$@" >"$folder/postgres.log" 2>&1 &
    postgres_pid=$!
    wait_for "$postgres_pid" "$folder/postgres.log" "$programs/pg_isready" -h 127.0.0.1 -p "$port"
    export DOORWARD_TEST_POSTGRES="postgres://doorward:$password@127.0.0.1:$port/postgres"
}

start_redis() {
    local port data=$folder/redis
    port=$(free_port)
    mkdir "$data"
    redis-server --port "$port" --bind 127.0.0.1 --dir "$data" --save '' --appendonly yes --appendfsync everysec \
        --maxmemory-policy noeviction >"$folder/redis.log" 2>&1 &
    redis_pid=$!
    # An error is an answer as well, so ask for the right one.
    wait_for "$redis_pid" "$folder/redis.log" redis-cli -e -p "$port" PING
    export DOORWARD_TEST_REDIS="redis://127.0.0.1:$port"
}

# Starts both; PostgreSQL with further settings, `-c NAME=VALUE …`.
start_servers() {
    folder=$(mktemp -d "${TMPDIR:-/tmp}/doorward-tests.XXXXXX")
    # The user postgres passes through, and what tests leave behind goes with the folder.
    chmod 711 "$folder"
    mkdir -m 711 "$folder/tmp"
    start_postgres "$@"
    start_redis
    export TMPDIR=$folder/tmp
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
